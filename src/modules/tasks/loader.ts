import { Prisma, type Task } from '../../generated/prisma/client.ts'
import { defineLoader } from '../../request/loader.ts'
import { defineRowLoader } from '../../schema/row-loader.ts'
import { visibleProjects } from '../projects/policy.ts'

/** Loads a task by id; null when the viewer may not see it or it is in the trash. */
export const loadTask = defineRowLoader<string, Task>(async ({ db, viewer }, ids, query) => {
  if (!viewer) return ids.map(() => undefined)
  const where = { id: { in: [...new Set(ids)] }, deletedAt: null, project: visibleProjects(viewer) }
  const byId = new Map((await db.task.findMany({ ...query, where })).map((task) => [task.id, task]))
  return ids.map((id) => byId.get(id))
})

/**
 * Loads the task an event is about, if it is still in the project of the event. So an event never
 * shows more than its project does.
 */
export const loadTaskOfEvent = defineRowLoader<{ id: string; projectId: string }, Task>(
  async ({ db }, keys, { select }) => {
    const where = { id: { in: [...new Set(keys.map(({ id }) => id))] }, deletedAt: null }
    const tasks = await db.task.findMany({ select: { ...select, projectId: true, version: true }, where })
    const byId = new Map((tasks as Task[]).map((task) => [task.id, task]))
    return keys.map(({ id, projectId }) => {
      const task = byId.get(id)
      return task?.projectId === projectId ? task : undefined
    })
  },
)

/**
 * Loads the number of direct sub-tasks and how many are completed. Sub-tasks in the trash
 * do not count.
 */
export const loadSubtaskProgress = defineLoader(async ({ db }, ids: readonly string[]) => {
  const rows = await db.$queryRaw<{ id: string; total: number; completed: number }[]>(Prisma.sql`
    SELECT "parentId"::text AS id, count(*)::int AS total, count(*) FILTER (WHERE "status" = 'COMPLETED')::int AS completed
    FROM "Task" WHERE "parentId" = ANY(${ids}::uuid[]) AND "deletedAt" IS NULL GROUP BY "parentId"`)
  const byId = new Map(rows.map(({ id, total, completed }) => [id, { total, completed }]))
  return ids.map((id) => byId.get(id) ?? { total: 0, completed: 0 })
})
