import { logged } from '../../schema/logged.ts'

const COLUMNS = [
  'projectId',
  'key',
  'title',
  'description',
  'status',
  'priority',
  'dueAt',
  'completedAt',
  'parentId',
  'assigneeIds',
  'labelIds',
] as const

/** The columns that filters of event streams can read. */
export const STATE_COLUMNS = [...COLUMNS, 'creatorId', 'createdAt', 'updatedAt', 'deletedAt'] as const

logged('task', {
  table: 'Task',
  project: 'projectId',
  verbs: { insert: 'created', update: 'updated', delete: 'deleted', leave: 'removed', purge: 'purged' },
  ends: { column: 'deletedAt', set: 'deleted', cleared: 'restored' },
  columns: COLUMNS,
  fixedInProject: ['number', 'key'],
  state: STATE_COLUMNS,
})
