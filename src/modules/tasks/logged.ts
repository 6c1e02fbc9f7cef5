import { logged } from '../../schema/logged.ts'

/** The columns that filters of event streams can read, and events show. */
const FILTERED = [
  'projectId',
  'key',
  'title',
  'description',
  'status',
  'priority',
  'startAt',
  'dueAt',
  'dueOn',
  'completedAt',
  'parentId',
  'assigneeIds',
  'labelIds',
] as const

/** All columns that filters of event streams can read. */
export const STATE_COLUMNS = [...FILTERED, 'creatorId', 'createdAt', 'updatedAt', 'deletedAt'] as const

logged('task', {
  table: 'Task',
  project: 'projectId',
  verbs: { insert: 'created', update: 'updated', delete: 'deleted', leave: 'removed' },
  ends: { column: 'deletedAt', set: 'deleted', cleared: 'restored' },
  columns: [...FILTERED, 'rank'],
  fixedInProject: ['number', 'key'],
  state: STATE_COLUMNS,
})
