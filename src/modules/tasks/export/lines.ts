import type { RowExpression } from '../../../database/keyset.ts'
import { COLUMN_ENTRIES, type ColumnType } from './columns.ts'
import { namesCell, textCellSql } from './csv.ts'

/**
 * Makes SQL that writes a row as a line of text. The database writes what it has itself: that takes
 * less time than sending and parsing values. Names of labels and people are filled in later, because
 * most lists repeat: their type and the list of their ids stand in the line between two marks.
 */
export interface LineFormat {
  start: string
  /** The text before the value of a column. */
  before: (name: string, isFirst: boolean) => string
  end: string
  /** SQL for a value that is not NULL. */
  word: (sql: string) => string
  text: (sql: string) => string
  /** The text of a missing value. */
  missing: string
  names: (names: readonly string[]) => string
}

export const CSV_LINE: LineFormat = {
  start: '',
  before: (_name, isFirst) => (isFirst ? '' : ','),
  end: '\r\n',
  word: (sql) => sql,
  text: textCellSql,
  missing: '',
  names: namesCell,
}

export const JSON_LINE: LineFormat = {
  start: '{',
  before: (name, isFirst) => `${isFirst ? '' : ','}"${name}":`,
  end: '}\n',
  word: (sql) => `'"' || ${sql} || '"'`,
  text: (sql) => `to_json(${sql})::text`,
  missing: 'null',
  names: (names) => JSON.stringify(names),
}

/** Makes the expression of a line. `hasColumns`: see ListSource. The mark must occur in no text. */
export function lineExpression(format: LineFormat, mark: string, hasColumns = true): RowExpression {
  if (!hasColumns) {
    const sql = lineSql(format, mark, 'task')
    return { columns: [], sql: (_page, id) => `(SELECT ${sql} FROM "Task" AS task WHERE task."id" = ${id})` }
  }
  return {
    columns: [...new Set(COLUMN_ENTRIES.flatMap(([, { reads }]) => reads))],
    sql: (page) => lineSql(format, mark, page),
  }
}

function lineSql(format: LineFormat, mark: string, task: string): string {
  const parts = COLUMN_ENTRIES.flatMap(([name, { type, sql }], index) => [
    literal(`${index === 0 ? format.start : ''}${format.before(name, index === 0)}`),
    valueSql(format, type, sql(task), mark),
  ])
  return `concat(${[...parts, literal(format.end)].filter((part) => part !== literal('')).join(', ')})`
}

function valueSql({ word, text, missing, names }: LineFormat, type: ColumnType, sql: string, mark: string): string {
  // `concat` ignores NULL.
  const orMissing = (value: string) => (missing === '' ? value : `coalesce(${value}, ${literal(missing)})`)
  switch (type) {
    case 'number':
      return orMissing(`${sql}::text`)
    case 'id':
    case 'word':
      return orMissing(word(`${sql}::text`))
    case 'time':
      return orMissing(word(timeSql(sql)))
    case 'text':
      return orMissing(text(sql))
    case 'labels':
    case 'people':
      return `CASE WHEN ${sql} = '{}' THEN ${literal(names([]))} ELSE concat('${mark}${type}', ${sql}::text, '${mark}') END`
    default:
      return type satisfies never
  }
}

/**
 * A time like JavaScript's toISOString. PostgreSQL leaves out zeros at the end: with a microsecond
 * more there are none. Takes half the time of `to_char`.
 */
const timeSql = (sql: string) =>
  `replace(left(((${sql} AT TIME ZONE 'UTC') + interval '1 microsecond')::text, 23), ' ', 'T') || 'Z'`

const literal = (text: string) => `E'${text.replace(/[\\']/g, '\\$&').replace(/\r/g, '\\r').replace(/\n/g, '\\n')}'`
