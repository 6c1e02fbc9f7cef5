import type { Viewer } from '../../context.ts'
import type { Database } from '../../database/client.ts'
import { padToPowerOfTwo } from '../../database/statement-names.ts'
import { Prisma, type Task } from '../../generated/prisma/client.ts'
import { visibleProjects } from '../projects/policy.ts'

/** The tasks of these ids, in their order; null for one that the viewer may not see, or that is in the trash. */
export async function loadTasks(db: Database, viewer: Viewer | null, ids: readonly string[]): Promise<(Task | null)[]> {
  if (!viewer) return ids.map(() => null)
  const where = { id: { in: padToPowerOfTwo([...new Set(ids)]) }, deletedAt: null, project: visibleProjects(viewer) }
  const byId = new Map((await db.task.findMany({ where })).map((task) => [task.id, task]))
  return ids.map((id) => byId.get(id) ?? null)
}

/** The task that an event is about, where it still is in the project of the event: nobody sees more by it than by the event. */
export async function loadTasksOfEvents(
  db: Database,
  places: readonly { id: string; projectId: string }[],
): Promise<(Task | null)[]> {
  const where = { id: { in: padToPowerOfTwo([...new Set(places.map(({ id }) => id))]) }, deletedAt: null }
  const byId = new Map((await db.task.findMany({ where })).map((task) => [task.id, task]))
  return places.map(({ id, projectId }) => {
    const task = byId.get(id)
    return task?.projectId === projectId ? task : null
  })
}

/** How many sub-tasks of each task there are and how many are completed, those in the trash not counted. */
export async function loadSubtaskProgress(db: Database, ids: readonly string[]) {
  const rows = await db.$queryRaw<{ id: string; total: number; completed: number }[]>(Prisma.sql`
    SELECT "parentId"::text AS id, count(*)::int AS total, count(*) FILTER (WHERE "status" = 'COMPLETED')::int AS completed
    FROM "Task" WHERE "parentId" = ANY(${ids}::uuid[]) AND "deletedAt" IS NULL GROUP BY "parentId"`)
  const byId = new Map(rows.map(({ id, total, completed }) => [id, { total, completed }]))
  return ids.map((id) => byId.get(id) ?? { total: 0, completed: 0 })
}
