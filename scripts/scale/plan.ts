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
  /** Pages of 8 KiB that were touched. */
  buffers: number
  ms: number
  cursor: string | undefined
  text: PlanNode
}

/** Runs a list as the server does, and explains the statement that finds its page. */
export async function explainList(
  db: Database,
  viewer: Pick<Viewer, 'id' | 'role'>,
  args: ListTasksValues,
): Promise<Explained> {
  const { statement, cursor } = await pageStatement(db, viewer, args)
  const [row] = await db.$queryRaw<
    { 'QUERY PLAN': [{ Plan: PlanNode & { 'Shared Hit Blocks': number; 'Shared Read Blocks': number }; 'Execution Time': number }] }[]
  >(Prisma.sql`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`)
  const [explained] = row?.['QUERY PLAN'] ?? []
  if (!explained) throw new Error('nothing was explained')
  const { Plan: plan } = explained
  const scans = scansOf(plan)
  return {
    reads: [...new Set(scans.map(describeScan))].sort(),
    rowsRead: scans.reduce((sum, scan) => sum + rowsOf(scan), 0),
    rowsReturned: plan['Actual Rows'],
    buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
    ms: explained['Execution Time'],
    cursor,
    text: plan,
  }
}

/** The statement that finds the page of a list: its only one that pages. */
export async function pageStatement(db: Database, viewer: Pick<Viewer, 'id' | 'role'>, args: ListTasksValues) {
  let statement = Prisma.empty
  const recording = new Proxy(db, {
    get(target, name) {
      if (name !== '$queryRaw') return Reflect.get(target, name)
      return (...call: [Prisma.Sql] | [TemplateStringsArray, ...unknown[]]) => {
        const sql = 'raw' in call[0] ? Prisma.sql(call[0] as TemplateStringsArray, ...call.slice(1)) : (call[0] as Prisma.Sql)
        if (sql.sql.includes('OFFSET')) statement = sql
        return target.$queryRaw(sql)
      }
    },
  })
  const ctx = { db: recording, viewer: { inboxId: null, scopes: null, ...viewer } } as unknown as Context
  const page = await listTasks(ctx, { first: 20, ...args }, {})
  return { statement, cursor: page.edges.at(-1)?.cursor }
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
