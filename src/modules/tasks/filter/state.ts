import type { LoggedEvent } from '../../../events/log.ts'
import { AppError } from '../../../gateway/errors.ts'
import type { Task } from '../../../generated/prisma/client.ts'
import type { STATE_COLUMNS } from '../logged.ts'

/** A value in the log. Times are ISO 8601 in UTC. */
type Logged<Value> = Value extends Date ? string : Value

/** The logged columns of a task. Those added later are missing in older states. */
type LoggedColumns = { [Name in (typeof STATE_COLUMNS)[number]]: Logged<Task[Name]> }

/** A task at one point in the log: the columns that filters read. */
export type TaskState = LoggedColumns & {
  id: string
  /** Keys from before the task moved. */
  formerKeys: readonly string[]
}

/** State that the trigger on "Task" stores. The log is shared by all nouns and has it untyped. */
type StoredState = Omit<TaskState, 'id'> & { earlierUpdatedAt: string }

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
  const { earlierUpdatedAt, ...columns } = state as StoredState
  const now: TaskState = { id: subjectId, ...columns }
  // A task deleted without being in the trash lost its row, for example with its project.
  if (type === 'task.removed' || (type === 'task.deleted' && now.deletedAt === null))
    return { before: now, after: null }
  if (type === 'task.created' || changes.projectId) return { before: null, after: now }
  const earlier = Object.fromEntries(Object.entries(changes).map(([field, { from }]) => [field, from]))
  const before = { ...now, ...earlier, updatedAt: earlierUpdatedAt, deletedAt: deletedBefore(type, now, at) }
  return { before, after: now }
}

function deletedBefore(type: string, { deletedAt }: TaskState, at: Date): string | null {
  if (type === 'task.deleted') return null
  return type === 'task.restored' ? at.toISOString() : deletedAt
}
