import type { RowExpression } from '../../../database/keyset.ts'

/** A value as the database sends it: a time is text in UTC, a list has names or addresses. */
export type Value = string | number | string[] | null

interface Column {
  /** SQL for the value, of any type that JSON has, from the alias of a row of "Task". */
  sql: (task: string) => string
  /** Columns of "Task" that it reads. */
  reads: readonly string[]
  /** True if no table shows it. */
  hidden?: true
}

/** A column of "Task" as it is. */
const plain = (name: string): Column => ({ sql: (task) => `${task}."${name}"`, reads: [name] })

/** A point in time, like JavaScript's toISOString. */
const time = (name: string): Column => ({
  sql: (task) => `to_char(${task}."${name}" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  reads: [name],
})

/** Names that a list of ids stands for. Most lists are empty: those cost no look-up. */
const names = (list: string, table: string, name: string): Column => ({
  sql: (task) => `CASE WHEN ${task}."${list}" = '{}' THEN '[]' ELSE (SELECT coalesce(json_agg(one."${name}" ORDER BY one."${name}" COLLATE "C"), '[]')
    FROM "${table}" AS one WHERE one."id" = ANY (${task}."${list}")) END`,
  reads: [list],
})

/**
 * The fields of an exported task, in order. All formats and the import of what was exported follow
 * from this table: a new field is one line here, and one in the import's table if it can be set.
 */
export const COLUMNS = {
  id: plain('id'),
  key: plain('key'),
  title: plain('title'),
  description: plain('description'),
  status: plain('status'),
  priority: plain('priority'),
  dueAt: time('dueAt'),
  completedAt: time('completedAt'),
  labels: names('labelIds', 'Label', 'name'),
  assignees: names('assigneeIds', 'User', 'email'),
  parentKey: {
    sql: (task) => `(SELECT above."key" FROM "Task" AS above WHERE above."id" = ${task}."parentId")`,
    reads: ['parentId'],
  },
  parentId: { ...plain('parentId'), hidden: true },
  externalSource: plain('externalSource'),
  externalId: plain('externalId'),
  createdAt: time('createdAt'),
  updatedAt: time('updatedAt'),
} as const satisfies Record<string, Column>

export type ColumnName = keyof typeof COLUMNS

/** A task by column. */
export type ExportedTask = Readonly<Record<ColumnName, Value>>

const entries = Object.entries(COLUMNS) as [ColumnName, Column][]

export const COLUMN_NAMES = entries.map(([name]) => name)

/** The columns of a table, with their places in a row. */
export const SHOWN = entries.flatMap(([name, { hidden }], place) => (hidden ? [] : [{ name, place }]))

const listOf = (task: string) => `json_build_array(${entries.map(([, { sql }]) => sql(task)).join(', ')})`

/** Reads the columns of each row of a list as an array. `hasColumns`: see ListSource. */
export function rowExpression(hasColumns = true): RowExpression {
  if (!hasColumns) {
    return { columns: [], sql: (_page, id) => `(SELECT ${listOf('task')} FROM "Task" AS task WHERE task."id" = ${id})` }
  }
  return { columns: [...new Set(entries.flatMap(([, { reads }]) => reads))], sql: listOf }
}
