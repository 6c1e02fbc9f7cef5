/** The columns of a task that clients see. */
export interface TaskRow {
  id: string
  projectId: string
  assigneeIds: string[]
  labelIds: string[]
  [column: string]: unknown
}

export const COLUMNS = [
  'id',
  'key',
  'projectId',
  'number',
  'title',
  'description',
  'status',
  'priority',
  'dueAt',
  'completedAt',
  'parentId',
  'assigneeIds',
  'labelIds',
  'creatorId',
  'deletedAt',
  'version',
  'createdAt',
  'updatedAt',
]
  .map((name) => `t."${name}"`)
  .join(', ')
