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

logged('task', {
  table: 'Task',
  project: 'projectId',
  verbs: { insert: 'created', update: 'updated', delete: 'deleted', leave: 'removed' },
  ends: { column: 'deletedAt', set: 'deleted', cleared: 'restored' },
  columns: COLUMNS,
  fixedInProject: ['number', 'key'],
  state: [...COLUMNS, 'creatorId', 'createdAt', 'updatedAt', 'deletedAt'],
})
