import type { Viewer } from '../../context.ts'
import type { Database } from '../../database/client.ts'
import { padToPowerOfTwo } from '../../database/statement-names.ts'
import type { TaskRelation } from '../../generated/prisma/client.ts'
import { visibleProjects } from '../projects/policy.ts'
import { kindOf, type TaskRelationKind } from './kinds.ts'

/** A relation as one of its two tasks has it. */
export interface OwnRelation {
  id: string
  type: TaskRelationKind
  taskId: string
  relatedTaskId: string
  creatorId: string | null
  createdAt: Date
}

/** A stored relation from the side of one of its tasks. */
export function fromSideOf(taskId: string, relation: TaskRelation): OwnRelation {
  const { id, type, sourceId, targetId, creatorId, createdAt } = relation
  const asTarget = targetId === taskId
  return {
    id,
    type: kindOf(type, asTarget),
    taskId,
    relatedTaskId: asTarget ? sourceId : targetId,
    creatorId,
    createdAt,
  }
}

/** The relations of each task to tasks the viewer sees and that are not in the trash, oldest first. */
export async function loadRelations(
  db: Database,
  viewer: Viewer | null,
  ids: readonly string[],
): Promise<OwnRelation[][]> {
  if (!viewer) return ids.map(() => [])
  const wanted = { in: padToPowerOfTwo(ids) }
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
  // A relation between two of the tasks is found once and is both's; the other side may be one that is not to be seen.
  const others = new Set(
    (
      await db.task.findMany({
        where: {
          id: { in: padToPowerOfTwo([...new Set(relations.flatMap((one) => [one.sourceId, one.targetId]))]) },
          ...seen,
        },
        select: { id: true },
      })
    ).map(({ id }) => id),
  )
  return ids.map((id) =>
    relations
      .filter(({ sourceId, targetId }) => sourceId === id || targetId === id)
      .map((relation) => fromSideOf(id, relation))
      .filter(({ relatedTaskId }) => others.has(relatedTaskId)),
  )
}
