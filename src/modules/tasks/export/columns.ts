/** How a value is written, and how the import reads it. */
export type ColumnType = 'id' | 'word' | 'text' | 'number' | 'time' | 'labels' | 'people'

interface Column {
  type: ColumnType
  /** SQL for the value from the alias of a row of "Task". A list is the ids of its entries. */
  sql: (task: string) => string
  /** Columns of "Task" that it reads. */
  reads: readonly string[]
}

/** A column of "Task" as it is. */
const own = (name: string, type: ColumnType): Column => ({ type, sql: (task) => `${task}."${name}"`, reads: [name] })

/**
 * The fields of an exported task, in order. All formats follow from this table: a new field is one
 * line here, and one in the table of the import if it can be set.
 */
export const COLUMNS = {
  id: own('id', 'id'),
  key: own('key', 'word'),
  title: own('title', 'text'),
  description: own('description', 'text'),
  status: own('status', 'word'),
  priority: own('priority', 'number'),
  startAt: own('startAt', 'time'),
  dueAt: own('dueAt', 'time'),
  dueOn: own('dueOn', 'word'),
  completedAt: own('completedAt', 'time'),
  labels: own('labelIds', 'labels'),
  assignees: own('assigneeIds', 'people'),
  parentKey: {
    type: 'word',
    sql: (task) =>
      `CASE WHEN ${task}."parentId" IS NOT NULL THEN (SELECT above."key" FROM "Task" AS above WHERE above."id" = ${task}."parentId") END`,
    reads: ['parentId'],
  },
  parentId: own('parentId', 'id'),
  externalSource: own('externalSource', 'text'),
  externalId: own('externalId', 'text'),
  createdAt: own('createdAt', 'time'),
  updatedAt: own('updatedAt', 'time'),
} as const satisfies Record<string, Column>

export type ColumnName = keyof typeof COLUMNS

export const COLUMN_ENTRIES = Object.entries(COLUMNS) as [ColumnName, Column][]

export const COLUMN_NAMES = COLUMN_ENTRIES.map(([name]) => name)

/** A task as JSON has it. */
export type ExportedTask = Readonly<Record<ColumnName, string | number | string[] | null>>
