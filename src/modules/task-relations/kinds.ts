import type { TaskRelationType } from '../../generated/prisma/enums.ts'

/** Kinds of relations, as seen from one of the two tasks. */
export const TASK_RELATION_KINDS = ['BLOCKS', 'BLOCKED_BY', 'RELATES_TO', 'DUPLICATES', 'DUPLICATED_BY'] as const

export type TaskRelationKind = (typeof TASK_RELATION_KINDS)[number]

/** The stored type of each kind, and whether the task is the relation's target. */
const STORED: Record<TaskRelationKind, { type: TaskRelationType; asTarget: boolean }> = {
  BLOCKS: { type: 'BLOCKS', asTarget: false },
  BLOCKED_BY: { type: 'BLOCKS', asTarget: true },
  RELATES_TO: { type: 'RELATES_TO', asTarget: false },
  DUPLICATES: { type: 'DUPLICATES', asTarget: false },
  DUPLICATED_BY: { type: 'DUPLICATES', asTarget: true },
}

export function storedRelation(kind: TaskRelationKind, taskId: string, otherId: string) {
  const { type, asTarget } = STORED[kind]
  return asTarget ? { type, sourceId: otherId, targetId: taskId } : { type, sourceId: taskId, targetId: otherId }
}

/** Returns the kind of a stored relation as seen from its source or its target. */
export function relationKindOf(type: TaskRelationType, asTarget: boolean): TaskRelationKind {
  if (!asTarget || type === 'RELATES_TO') return type
  return type === 'BLOCKS' ? 'BLOCKED_BY' : 'DUPLICATED_BY'
}
