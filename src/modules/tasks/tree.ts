import { retryOnDeadlock } from '../../database/retry.ts'
import type { Context } from '../../request/context.ts'
import { explainLinks } from './link-errors.ts'

/**
 * Lock on the tree of sub-tasks: `shared` to add tasks below others, `alone` to move them. Null
 * for changes that set no parent.
 */
export type TreeLock = 'shared' | 'alone' | null

type Db = Context['db']

/** Takes the lock in a transaction. Must come before any row lock, or two changes can deadlock. */
export async function lockTree(db: Pick<Db, '$executeRaw'>, lock: TreeLock): Promise<void> {
  if (lock) await db.$executeRaw`SELECT lock_task_tree(${lock === 'shared'})`
}

/**
 * Runs a write under the lock, and retries it on a deadlock. Converts link errors to errors at
 * fields of the input.
 */
export async function withTreeLock<T>(
  ctx: Pick<Context, 'db'>,
  lock: TreeLock,
  write: (db: Db) => Promise<T>,
): Promise<T> {
  try {
    if (!lock) return await retryOnDeadlock(ctx.db, () => write(ctx.db))
    return await retryOnDeadlock(ctx.db, () =>
      ctx.db.$transaction(async (tx) => {
        await lockTree(tx as Db, lock)
        return write(tx as Db)
      }),
    )
  } catch (error) {
    throw explainLinks(error)
  }
}
