import type { Viewer } from '../../../src/auth/viewer.ts'
import type { Database } from '../../../src/database/client.ts'
import { Prisma } from '../../../src/generated/prisma/client.ts'
import type { ListTasksValues } from '../../../src/modules/tasks/list/input.ts'
import { listTasks } from '../../../src/modules/tasks/list/service.ts'
import type { Context } from '../../../src/request/context.ts'
import type { Connection } from '../../../src/schema/lists.ts'

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
  /** The tables read, each with its index, or "whole" for a full scan. */
  reads: string[]
  /** Rows that the scans read, including those they discarded. */
  rowsRead: number
  rowsReturned: number
  /** The cursor at the end of the page. */
  cursor: string | undefined
}

type Asking = Pick<Viewer, 'id' | 'role'>

/** Runs a list the way the server does. */
export function runList(db: Database, viewer: Asking, args: ListTasksValues) {
  const ctx = { db, viewer: { inboxId: null, scopes: null, ...viewer } } as unknown as Context
  return listTasks(ctx, { first: 20, ...args }, {})
}

/** Runs a list of tasks and explains the statement that finds its page. */
export const explainList = (db: Database, viewer: Asking, args: ListTasksValues): Promise<Explained> =>
  explainPage(db, (recording) => runList(recording, viewer, args))

/** Runs any list and explains the statement that finds its page. */
export async function explainPage(
  db: Database,
  run: (recording: Database) => Promise<Pick<Connection<unknown>, 'edges'>>,
): Promise<Explained> {
  let statement = Prisma.empty
  const recording = new Proxy(db, {
    get(target, name) {
      if (name !== '$queryRaw') return Reflect.get(target, name)
      return (sql: Prisma.Sql | TemplateStringsArray, ...values: unknown[]) => {
        const whole = 'raw' in sql ? Prisma.sql(sql, ...values) : sql
        // Only the statement that finds the page has an OFFSET.
        if (whole.sql.includes('OFFSET')) statement = whole
        return target.$queryRaw(whole)
      }
    },
  })
  const page = await run(recording)
  const [row] = await db.$queryRaw<Answer[]>(Prisma.sql`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`)
  const plan = row?.['QUERY PLAN'][0].Plan
  if (!plan) throw new Error('EXPLAIN returned no plan')
  const scans = scansOf(plan)
  return {
    reads: [...new Set(scans.map(describeScan))].sort(),
    rowsRead: scans.reduce((sum, scan) => sum + rowsOf(scan), 0),
    rowsReturned: page.edges.length,
    cursor: page.edges.at(-1)?.cursor,
  }
}

interface Answer {
  'QUERY PLAN': [{ Plan: PlanNode }]
}

function scansOf(node: PlanNode): PlanNode[] {
  const below = (node.Plans ?? []).flatMap(scansOf)
  // A bitmap heap scan already counts the rows that its index scan found.
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
