import type { z } from 'zod'
import type { Context } from '../../context.ts'
import { toAppError } from '../../database/errors.ts'
import { againOnDeadlock } from '../../database/retry.ts'
import type { ErrorCode, Issue } from '../../gateway/errors.ts'
import type { Batch } from './bulk-input.ts'
import { explainLinks } from './links.ts'
import type { TaskRow } from './list.ts'
import type { TaskQuery } from './service.ts'
import { lockTree, type TreeLock } from './tree.ts'

export interface ItemError {
  code: ErrorCode
  message: string
  issues: Issue[]
}

export const OUTCOME_STATUSES = ['SUCCEEDED', 'FAILED', 'ROLLED_BACK'] as const

/** What became of one item of a batch. */
export interface Outcome {
  index: number
  status: (typeof OUTCOME_STATUSES)[number]
  task: TaskRow | null
  error: ItemError | null
}

export interface BatchResult {
  outcomes: Outcome[]
  succeeded: number
  failed: number
  dryRun: boolean
}

/** An item of which the rules are kept; `values` are what they made of it. */
export interface Item<Values> {
  index: number
  values: Values
}

/** What a kind of batch does with the items that keep the rules. */
export interface BatchPlan<Values> {
  rules: z.ZodType<Values>
  /** How the tree of sub-tasks has to be held for these items. */
  lock(items: readonly Item<Values>[]): TreeLock
  /** Looks for what stands against each item, and tells it to `fail`. Locks the rows that are there. */
  check(ctx: Context, items: readonly Item<Values>[], fail: Fail): Promise<void>
  /** Makes the changes of all items, in a statement or two, and answers the ids of their tasks. */
  apply(ctx: Context, items: readonly Item<Values>[]): Promise<string[]>
}

export type Fail = (index: number, code: ErrorCode, issues: Issue[]) => void

/** Ends the transaction of a batch of which nothing is to stay. */
class Rollback extends Error {}

/**
 * Runs a batch in one transaction. Items that fail leave the others alone, unless the batch is atomic: then nothing of it
 * stays. A dry run does all of it and takes it back, so that what it answers is what would be.
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
  const standing = () => items.filter(({ index }) => !errors.has(index))
  const items = readItems(given, plan.rules, fail)
  const tasks = new Map<number, TaskRow>()

  const broken = new Map(errors)
  const work = async (tx: Context['db']) => {
    const within = { ...ctx, db: tx }
    // From the beginning, where it is tried again.
    tasks.clear()
    errors.clear()
    for (const [index, error] of broken) errors.set(index, error)
    await lockTree(tx, plan.lock(items))
    if (items.length > 0) await plan.check(within, items, fail)
    const good = standing()
    if (good.length > 0 && !(atomic && errors.size > 0)) {
      const ids = await plan.apply(within, good)
      const rows = await tx.task.findMany({ ...query, where: { id: { in: ids } } })
      const byId = new Map(rows.map((row) => [row.id, row]))
      for (const [place, { index }] of good.entries()) {
        const row = byId.get(ids[place] ?? '')
        if (row) tasks.set(index, row)
      }
    }
    if (dryRun) throw new Rollback()
  }
  try {
    await againOnDeadlock(ctx.db, () =>
      ctx.db.$transaction((tx) => work(tx as Context['db']), { timeout: BATCH_TIMEOUT_MS }),
    )
  } catch (error) {
    // What is said of a statement that is all items' at once names no item: another request got between its checks and it.
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

function describe(index: number, code: ErrorCode, issues: Issue[]): ItemError {
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
  const outcomes = Array.from({ length: size }, (_, index): Outcome => {
    const [task = null, error = null] = [tasks.get(index), errors.get(index)]
    return { index, status: error ? 'FAILED' : task ? 'SUCCEEDED' : 'ROLLED_BACK', task, error }
  })
  return { outcomes, succeeded: tasks.size, failed: errors.size, dryRun }
}
