import { actAs } from '../../database/actor.ts'
import type { Database } from '../../database/client.ts'
import { retryOnDeadlock } from '../../database/retry.ts'
import { Prisma } from '../../generated/prisma/client.ts'

/** Tasks per transaction. Small, because the embedded database has a single connection. */
const BATCH = 100

/** Limits of one request. It must end before REQUEST_TIMEOUT. */
const MAX_TASKS = 10_000
const MAX_MS = 10_000

/**
 * Deletes tasks for good, those in the trash too, with an event for each: all of them, or those of
 * a project. Returns how many it deleted, and true if some are left because the limit of a request
 * was reached. Each batch is a transaction of its own.
 */
export async function deleteForGood(
  db: Database,
  actor: { id: string },
  projectId?: string | null,
  limit = MAX_TASKS,
): Promise<{ count: number; hasMore: boolean }> {
  const endsAt = performance.now() + MAX_MS
  let count = 0
  while (count < limit && performance.now() < endsAt) {
    const size = Math.min(BATCH, limit - count)
    const deleted = await retryOnDeadlock(db, () => deleteBatch(db, actor, projectId, size))
    count += deleted
    if (deleted < size) return { count, hasMore: false }
  }
  return { count, hasMore: await hasTasks(db, projectId) }
}

async function hasTasks(db: Database, projectId?: string | null): Promise<boolean> {
  const where = projectId == null ? {} : { projectId }
  return (await db.task.findFirst({ where, select: { id: true } })) !== null
}

/** The newest first: sub-tasks are newer than their parents, which they need not lose before. */
function deleteBatch(db: Database, actor: { id: string }, projectId: string | null | undefined, size: number) {
  const newest =
    projectId == null
      ? Prisma.sql`SELECT "id" FROM "Task" ORDER BY "id" DESC LIMIT ${size}`
      : Prisma.sql`SELECT "id" FROM "Task" WHERE "projectId" = ${projectId}::uuid ORDER BY "number" DESC LIMIT ${size}`
  return db.$transaction(async (tx) => {
    await actAs(tx, actor)
    // Locks in the order of the ids, like every batch.
    const locked = await tx.$queryRaw<{ id: string }[]>`
      SELECT "id"::text AS id FROM "Task" WHERE "id" IN (${newest}) ORDER BY "id" FOR UPDATE`
    return tx.$executeRaw`DELETE FROM "Task" WHERE "id" = ANY(${locked.map(({ id }) => id)}::uuid[])`
  })
}
