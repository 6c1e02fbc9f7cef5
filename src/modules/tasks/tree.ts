import type { Context } from '../../context.ts'
import { againOnDeadlock } from '../../database/retry.ts'
import { explainLinks } from './links.ts'

/**
 * How the tree of sub-tasks is held: `shared` by those who add to it, `alone` by those who change who is below whom. Null: not at
 * all, where no parent is set.
 */
export type TreeLock = 'shared' | 'alone' | null

type Db = Context['db']

/** Takes the lock within a transaction, before any row: taken behind one, two changes would wait for each other. */
export async function lockTree(db: Pick<Db, '$executeRaw'>, lock: TreeLock): Promise<void> {
  if (lock) await db.$executeRaw`SELECT lock_task_tree(${lock === 'shared'})`
}

/** Writes tasks while the tree stands still; what the database has against their links is told at its place in the input. */
export async function inTree<T>(ctx: Pick<Context, 'db'>, lock: TreeLock, write: (db: Db) => Promise<T>): Promise<T> {
  try {
    if (!lock) return await againOnDeadlock(ctx.db, () => write(ctx.db))
    return await againOnDeadlock(ctx.db, () =>
      ctx.db.$transaction(async (tx) => {
        await lockTree(tx as Db, lock)
        return write(tx as Db)
      }),
    )
  } catch (error) {
    throw explainLinks(error)
  }
}
