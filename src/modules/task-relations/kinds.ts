import type { TaskRelationType } from '../../generated/prisma/enums.ts'

/** How a task is related to another, from its own side. */
export const TASK_RELATION_KINDS = ['BLOCKS', 'BLOCKED_BY', 'RELATES_TO', 'DUPLICATES', 'DUPLICATED_BY'] as const

export type TaskRelationKind = (typeof TASK_RELATION_KINDS)[number]

/** What is stored for a kind, and whether the task is the target of it. */
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

/** The kind of a stored relation, for its source or its target. */
export function kindOf(type: TaskRelationType, asTarget: boolean): TaskRelationKind {
  if (!asTarget || type === 'RELATES_TO') return type
  return type === 'BLOCKS' ? 'BLOCKED_BY' : 'DUPLICATED_BY'
}
