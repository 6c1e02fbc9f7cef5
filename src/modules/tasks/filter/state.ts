import type { LoggedEvent } from '../../../events/log.ts'
import { AppError } from '../../../gateway/errors.ts'
import type { TaskStatus } from '../../../generated/prisma/enums.ts'

/** A task at one point in the log: the columns that filters read. Times are ISO 8601 in UTC. */
export interface TaskState {
  id: string
  projectId: string
  key: string
  /** Keys from before the task moved. */
  formerKeys: readonly string[]
  title: string
  description: string | null
  status: TaskStatus
  priority: number
  dueAt: string | null
  completedAt: string | null
  parentId: string | null
  assigneeIds: readonly string[]
  labelIds: readonly string[]
  creatorId: string | null
  createdAt: string
  updatedAt: string
  deletedAt: string | null
}

/** A task before and after an event. Null while it is not in the project of the event. */
export interface TaskChange {
  before: TaskState | null
  after: TaskState | null
}

/**
 * Reads the states from a task event. Throws CURSOR_EXPIRED if it was logged before
 * states were stored.
 */
export function taskChange({ type, subjectId, state, changes, at }: LoggedEvent): TaskChange {
  if (!state) {
    throw new AppError('CURSOR_EXPIRED', 'The events after this cursor are too old to be filtered.', {
      path: ['after'],
    })
  }
  const { earlierUpdatedAt, ...columns } = state
  // The trigger on "Task" stores these columns. The log is shared by all nouns and
  // has them untyped.
  const now = { id: subjectId, ...columns } as unknown as TaskState
  // A task deleted without being in the trash lost its row, for example with its project.
  if (type === 'task.removed' || (type === 'task.deleted' && now.deletedAt === null))
    return { before: now, after: null }
  if (type === 'task.created' || changes.projectId) return { before: null, after: now }
  const earlier = Object.fromEntries(Object.entries(changes).map(([field, { from }]) => [field, from]))
  const before = { ...now, ...earlier, updatedAt: earlierUpdatedAt as string, deletedAt: deletedBefore(type, now, at) }
  return { before, after: now }
}

function deletedBefore(type: string, { deletedAt }: TaskState, at: Date): string | null {
  if (type === 'task.deleted') return null
  return type === 'task.restored' ? at.toISOString() : deletedAt
}
