import { actAs } from '../../database/actor.ts'
import type { Database } from '../../database/client.ts'
import { Prisma } from '../../generated/prisma/client.ts'

/** Rows per transaction. Small, because the embedded database has a single connection. */
const BATCH = 100

/**
 * Deletes tasks that have been in the trash for more than `days`. Returns how many. Several
 * servers may run it at once.
 */
export async function purgeTrash(db: Database, days: number, signal?: AbortSignal): Promise<number> {
  const isExpired = Prisma.sql`"deletedAt" < now() - make_interval(days => ${days}::int)`
  // A transaction loads Prisma's query compiler, which takes 40 MB of an idle server.
  const find = () => db.$queryRaw<unknown[]>`SELECT 1 FROM "Task" WHERE ${isExpired} LIMIT 1`
  let purged = 0
  while (!signal?.aborted && (await find()).length > 0) {
    const count = await db.$transaction(async (tx) => {
      // The log records no actor for sub-tasks that lose their parent.
      await actAs(tx, null)
      return tx.$executeRaw`DELETE FROM "Task" WHERE "id" IN (
        SELECT "id" FROM "Task" WHERE ${isExpired}
        ORDER BY "deletedAt", "id" LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`
    })
    purged += count
    if (count < BATCH) break
  }
  return purged
}
