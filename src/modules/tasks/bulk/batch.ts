import type { z } from 'zod'
import { toAppError } from '../../../database/errors.ts'
import { retryOnDeadlock } from '../../../database/retry.ts'
import type { ErrorCode, Issue } from '../../../gateway/errors.ts'
import type { Context } from '../../../request/context.ts'
import { explainLinks } from '../link-errors.ts'
import type { TaskQuery, TaskRow } from '../rows.ts'
import { lockTree, type TreeLock } from '../tree.ts'
import { type Batch, MAX_ITEM_ISSUES } from './input.ts'

export interface ItemError {
  code: ErrorCode
  message: string
  issues: Issue[]
}

export const OUTCOME_STATUSES = ['SUCCEEDED', 'FAILED', 'ROLLED_BACK'] as const

/** Result of one item of a batch. */
export interface ItemOutcome {
  index: number
  status: (typeof OUTCOME_STATUSES)[number]
  task: TaskRow | null
  error: ItemError | null
}

export interface BatchResult {
  outcomes: ItemOutcome[]
  succeeded: number
  failed: number
  dryRun: boolean
}

/** A valid item. */
export interface Item<Values> {
  index: number
  values: Values
}

/** The steps of one kind of batch. They only get valid items. */
export interface BatchPlan<Values> {
  rules: z.ZodType<Values>
  /** The lock on the tree of sub-tasks that these items need. */
  lock(items: readonly Item<Values>[]): TreeLock
  /** Locks existing rows and calls `fail` for each item that may not be written. */
  check(ctx: Context, items: readonly Item<Values>[], fail: Fail): Promise<void>
  /** Writes all items in one or two statements. Returns the ids of their tasks. */
  apply(ctx: Context, items: readonly Item<Values>[]): Promise<string[]>
}

export type Fail = (index: number, code: ErrorCode, issues: Issue[]) => void

/** Rolls back the transaction of a dry run. */
class Rollback extends Error {}

/**
 * Runs a batch in one transaction. A failed item does not affect the others, unless the batch
 * is atomic: then nothing is written. A dry run writes everything and rolls back, so its
 * outcomes are exact.
 */
export async function runBatch<Values>(
  ctx: Context,
  { items: given, atomic, dryRun }: Batch,
  query: TaskQuery,
  plan: BatchPlan<Values>,
): Promise<BatchResult> {
  const errors = new Map<number, ItemError>()
  const fail: Fail = (index, code, issues) =>
    void (errors.has(index) || errors.set(index, describe(index, code, issues)))
  const items = readItems(given, plan.rules, fail)
  const tasks = new Map<number, TaskRow>()

  const invalid = new Map(errors)
  const work = async (tx: Context['db']) => {
    const within = ctx.within(tx)
    // A retry after a deadlock starts over.
    tasks.clear()
    errors.clear()
    for (const [index, error] of invalid) errors.set(index, error)
    await lockTree(tx, plan.lock(items))
    if (items.length > 0) await plan.check(within, items, fail)
    const passed = items.filter(({ index }) => !errors.has(index))
    if (passed.length > 0 && !(atomic && errors.size > 0)) {
      const ids = await plan.apply(within, passed)
      const rows = await tx.task.findMany({ ...query, where: { id: { in: ids } } })
      const byId = new Map(rows.map((row) => [row.id, row]))
      for (const [place, { index }] of passed.entries()) {
        const row = byId.get(ids[place] ?? '')
        if (row) tasks.set(index, row)
      }
    }
    if (dryRun) throw new Rollback()
  }
  try {
    await retryOnDeadlock(ctx.db, () =>
      ctx.db.$transaction((tx) => work(tx as Context['db']), { timeout: BATCH_TIMEOUT_MS }),
    )
  } catch (error) {
    // A concurrent request changed something between the checks and the write. The database does
    // not say which item is affected.
    if (!(error instanceof Rollback)) throw toAppError(explainLinks(error, ['input', 'items'])) ?? error
  }
  return report(given.length, errors, tasks, { dryRun: dryRun === true })
}

const BATCH_TIMEOUT_MS = 60_000

function readItems<Values>(given: readonly unknown[], rules: z.ZodType<Values>, fail: Fail): Item<Values>[] {
  return given.flatMap((one, index): Item<Values>[] => {
    const read = rules.safeParse(one)
    if (read.success) return [{ index, values: read.data }]
    const issues = read.error.issues.map(({ path, code, message }) => ({
      path: path.filter((step) => typeof step !== 'symbol'),
      code: code === 'custom' ? 'invalid' : code,
      message,
    }))
    fail(index, 'VALIDATION_FAILED', issues)
    return []
  })
}

function describe(index: number, code: ErrorCode, all: readonly Issue[]): ItemError {
  const issues = all.slice(0, MAX_ITEM_ISSUES)
  const placed = issues.map((issue) => ({ ...issue, path: ['items', index, ...issue.path] }))
  const message = issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
  return { code, message: message.join('; '), issues: placed }
}

function report(
  size: number,
  errors: ReadonlyMap<number, ItemError>,
  tasks: ReadonlyMap<number, TaskRow>,
  { dryRun }: { dryRun: boolean },
): BatchResult {
  const outcomes = Array.from({ length: size }, (_, index): ItemOutcome => {
    const [task = null, error = null] = [tasks.get(index), errors.get(index)]
    return { index, status: error ? 'FAILED' : task ? 'SUCCEEDED' : 'ROLLED_BACK', task, error }
  })
  return { outcomes, succeeded: tasks.size, failed: errors.size, dryRun }
}
