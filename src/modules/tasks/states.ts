import type { LoggedEvent } from '../../events/log.ts'
import { AppError } from '../../gateway/errors.ts'
import type { TaskStatus } from '../../generated/prisma/enums.ts'

/** A task as it was at a place in the log: what filters ask of it. Times are ISO 8601, in UTC. */
export interface TaskState {
  id: string
  projectId: string
  key: string
  /** Those it had before it moved. */
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

/** A task before and after an event; null where it was not, or no longer is, in the project of the event. */
export interface TaskChange {
  before: TaskState | null
  after: TaskState | null
}

/** What an event of a task did to it. CURSOR_EXPIRED for one that was logged before states were kept. */
export function taskChange({ type, subjectId, state, changes, at }: LoggedEvent): TaskChange {
  if (!state) {
    throw new AppError('CURSOR_EXPIRED', 'Events as old as those behind this cursor cannot be filtered.', {
      path: ['after'],
    })
  }
  const { earlierUpdatedAt, ...columns } = state
  // The columns are those that the trigger on tasks keeps; the log, which serves all subjects, has them untyped.
  const now = { id: subjectId, ...columns } as unknown as TaskState
  // Logged as deleted while it is not in the trash: its row went.
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
