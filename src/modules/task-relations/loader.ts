import type { TaskRelation } from '../../generated/prisma/client.ts'
import { defineLoader } from '../../request/loader.ts'
import { visibleProjects } from '../projects/policy.ts'
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

/**
 * Loads the relations of a task, oldest first, to tasks the viewer sees and that are not
 * in the trash.
 */
export const loadRelations = defineLoader(async (ctx, ids: readonly string[]): Promise<OwnRelation[][]> => {
  const { db, viewer } = ctx
  if (!viewer) return ids.map(() => [])
  const wanted = { in: [...ids] }
  const seen = { deletedAt: null, project: visibleProjects(viewer) }
  const relations = await db.taskRelation.findMany({
    where: {
      OR: [
        { sourceId: wanted, target: seen },
        { targetId: wanted, source: seen },
      ],
    },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  })
  // A relation between two requested tasks is found once and belongs to both. Check each side
  // separately: the viewer may see only one of them.
  const tasks = await db.task.findMany({
    where: { id: { in: [...new Set(relations.flatMap((one) => [one.sourceId, one.targetId]))] }, ...seen },
    select: { id: true, projectId: true },
  })
  for (const { id: taskId, projectId } of ctx.grants ? tasks : []) {
    ctx.grants?.useRole('VIEWER', { projectId, taskId, absent: () => taskNotFound(taskId, []) })
  }
  const others = new Set(tasks.map(({ id }) => id))
  return ids.map((id) =>
    relations
      .filter(({ sourceId, targetId }) => sourceId === id || targetId === id)
      .map((relation) => fromSideOf(id, relation))
      .filter(({ relatedTaskId }) => others.has(relatedTaskId)),
  )
})
