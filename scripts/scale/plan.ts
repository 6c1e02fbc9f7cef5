import type { Context, Viewer } from '../../src/context.ts'
import type { Database } from '../../src/database/client.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import type { ListTasksValues } from '../../src/modules/tasks/filter-input.ts'
import { listTasks } from '../../src/modules/tasks/list.ts'

/** A node of EXPLAIN (ANALYZE, FORMAT JSON). */
interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: PlanNode[]
}

export interface Explained {
  /** The tables that are read, each with the index it is read by; "whole" where there is none. */
  reads: string[]
  /** Rows that the scans looked at, found or thrown away. */
  rowsRead: number
  rowsReturned: number
  /** Behind the page. */
  cursor: string | undefined
}

type Asking = Pick<Viewer, 'id' | 'role'>

/** Runs a list as the server does. */
export function runList(db: Database, viewer: Asking, args: ListTasksValues) {
  const ctx = { db, viewer: { inboxId: null, scopes: null, ...viewer } } as unknown as Context
  return listTasks(ctx, { first: 20, ...args }, {})
}

/** Runs a list, and explains the statement that finds its page. */
export async function explainList(db: Database, viewer: Asking, args: ListTasksValues): Promise<Explained> {
  let statement = Prisma.empty
  const recording = new Proxy(db, {
    get(target, name) {
      if (name !== '$queryRaw') return Reflect.get(target, name)
      return (sql: Prisma.Sql | TemplateStringsArray, ...values: unknown[]) => {
        const whole = 'raw' in sql ? Prisma.sql(sql, ...values) : sql
        // The only one that leaves rows out.
        if (whole.sql.includes('OFFSET')) statement = whole
        return target.$queryRaw(whole)
      }
    },
  })
  const page = await runList(recording, viewer, args)
  const [row] = await db.$queryRaw<Answer[]>(Prisma.sql`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`)
  const plan = row?.['QUERY PLAN'][0].Plan
  if (!plan) throw new Error('nothing was explained')
  const scans = scansOf(plan)
  return {
    reads: [...new Set(scans.map(describeScan))].sort(),
    rowsRead: scans.reduce((sum, scan) => sum + rowsOf(scan), 0),
    rowsReturned: plan['Actual Rows'],
    cursor: page.edges.at(-1)?.cursor,
  }
}

interface Answer {
  'QUERY PLAN': [{ Plan: PlanNode }]
}

function scansOf(node: PlanNode): PlanNode[] {
  const below = (node.Plans ?? []).flatMap(scansOf)
  // A bitmap's heap scan counts the rows that its index scan found.
  return /Scan$/.test(node['Node Type']) && node['Relation Name'] ? [node, ...below] : below
}

function rowsOf(node: PlanNode): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
  return (node['Actual Rows'] + removed) * node['Actual Loops']
}

function describeScan(node: PlanNode): string {
  const index = node['Index Name'] ?? (node.Plans ?? []).map((plan) => indexesOf(plan).join(' and '))[0]
  return `${node['Relation Name']}: ${index ?? 'whole'}`
}

function indexesOf(node: PlanNode): string[] {
  return node['Index Name'] ? [node['Index Name']] : (node.Plans ?? []).flatMap(indexesOf)
}
