import { Prisma, type TaskRelation } from '../../generated/prisma/client.ts'
import { defineLoader } from '../../request/loader.ts'
import { inVisibleProject } from '../projects/policy.ts'
import { taskNotFound } from '../tasks/policy.ts'
import { relationKindOf, type TaskRelationKind } from './kinds.ts'

/** A relation as seen from one of its two tasks. */
export interface OwnRelation {
  id: string
  type: TaskRelationKind
  taskId: string
  relatedTaskId: string
  creatorId: string | null
  createdAt: Date
}

/** Returns a stored relation as seen from `taskId`. */
export function fromSideOf(taskId: string, relation: TaskRelation): OwnRelation {
  const { id, type, sourceId, targetId, creatorId, createdAt } = relation
  const asTarget = targetId === taskId
  return {
    id,
    type: relationKindOf(type, asTarget),
    taskId,
    relatedTaskId: asTarget ? sourceId : targetId,
    creatorId,
    createdAt,
  }
}

/** The relations of a task that are wanted. */
interface Wanted {
  id: string
  /** Maximum number. */
  first: number
}

type Row = TaskRelation & { otherId: string; otherProjectId: string; taskId: string }

/**
 * Loads the relations of a task, oldest first, to tasks the viewer sees and that are not
 * in the trash.
 */
export const loadRelations = defineLoader(async (ctx, wanted: readonly Wanted[]): Promise<OwnRelation[][]> => {
  const { db, viewer, grants } = ctx
  if (!viewer) return wanted.map(() => [])
  const ids = [...new Set(wanted.map(({ id }) => id))]
  const first = wanted.reduce((most, one) => Math.max(most, one.first), 0)
  const visible = inVisibleProject(viewer, Prisma.sql`other."projectId"`)
  const rows = await db.$queryRaw<Row[]>`
    SELECT task."id"::text AS "taskId", one."id"::text, one."type"::text, one."sourceId"::text, one."targetId"::text,
      one."creatorId"::text, one."createdAt", one."otherId"::text, one."otherProjectId"::text
    FROM unnest(${ids}::uuid[]) AS task("id") CROSS JOIN LATERAL (
      SELECT sided.*, other."projectId" AS "otherProjectId" FROM (
        SELECT r.*, r."targetId" AS "otherId" FROM "TaskRelation" AS r WHERE r."sourceId" = task."id"
        UNION ALL SELECT r.*, r."sourceId" FROM "TaskRelation" AS r WHERE r."targetId" = task."id"
      ) AS sided JOIN "Task" AS other ON other."id" = sided."otherId" AND other."deletedAt" IS NULL AND ${visible}
      ORDER BY sided."createdAt", sided."id" LIMIT ${first}::int
    ) AS one ORDER BY one."createdAt", one."id"`
  for (const { otherId: taskId, otherProjectId: projectId } of grants ? rows : []) {
    grants?.useRole('VIEWER', { projectId, taskId, absent: () => taskNotFound(taskId, []) })
  }
  const byTask = new Map<string, OwnRelation[]>(ids.map((id) => [id, []]))
  for (const row of rows) byTask.get(row.taskId)?.push(fromSideOf(row.taskId, row))
  return wanted.map(({ id, first }) => (byTask.get(id) ?? []).slice(0, first))
})
