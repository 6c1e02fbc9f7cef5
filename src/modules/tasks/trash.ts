import type { Database } from '../../database/client.ts'

/** A batch holds up no other statement for long, also where there is one connection. */
const BATCH = 100

/** Deletes for good what has been in the trash for longer, and answers how many tasks that were. Any number of servers may do it at once. */
export async function purgeTrash(db: Database, days: number, signal?: AbortSignal): Promise<number> {
  let purged = 0
  while (!signal?.aborted) {
    const count = await db.$transaction(async (tx) => {
      // Sub-tasks that lose their parent are changed by nobody.
      await tx.$executeRaw`SELECT set_config('taskwire.actor', 'nobody', true)`
      return tx.$executeRaw`DELETE FROM "Task" WHERE "id" IN (
        SELECT "id" FROM "Task" WHERE "deletedAt" < now() - make_interval(days => ${days}::int)
        ORDER BY "deletedAt", "id" LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`
    })
    purged += count
    if (count < BATCH) break
  }
  return purged
}
