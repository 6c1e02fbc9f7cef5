import { createHash } from 'node:crypto'
import type { ClientBase } from 'pg'
import { quoteIdentifier } from '../../database/connection.ts'
import { ROWS_PER_MEMBER, type TableSummary } from './format.ts'
import { encodeRows, type Row } from './rows.ts'

export interface Table {
  name: string
  columns: { name: string; type: string }[]
  /** Columns of the primary key: the order of the rows in a backup. */
  key: string[]
}

/**
 * Tables that a backup leaves out: the migrations are in its header, a restored database has a
 * folder of its own for attachments, and rate limits start again.
 */
const LEFT_OUT = ['_prisma_migrations', 'FileStore', 'RateCount']

/** Lists the tables of the session's schema with their columns. */
export async function readTables(client: ClientBase): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `SELECT c.relname::text AS name,
        (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
        (SELECT json_agg(a.attname ORDER BY array_position(i.indkey::smallint[], a.attnum))
          FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
          WHERE i.indrelid = c.oid AND i.indisprimary) AS key
      FROM pg_class c
      WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relname <> ALL ($1)
      ORDER BY c.relname COLLATE "C"`,
    [LEFT_OUT],
  )
  return rows
}

const AS_TEXT = { getTypeParser: () => (value: string) => value }

/** Yields the rows of a table in parts, in the order of its key, which is the same in every database. */
export async function* readRows(client: ClientBase, table: Table): AsyncGenerator<Row[]> {
  const columns = table.columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  const order = table.key.map((name) => {
    const isText = table.columns.find((column) => column.name === name)?.type === 'text'
    return `${quoteIdentifier(name)}${isText ? ' COLLATE "C"' : ''}`
  })
  await client.query(
    `DECLARE backup NO SCROLL CURSOR FOR SELECT ${columns} FROM ${quoteIdentifier(table.name)} ORDER BY ${order.join(', ')}`,
  )
  for (;;) {
    const { rows } = await client.query<Row>({
      text: `FETCH ${ROWS_PER_MEMBER} FROM backup`,
      rowMode: 'array',
      types: AS_TEXT,
    } as never)
    if (rows.length > 0) yield rows
    if (rows.length < ROWS_PER_MEMBER) break
  }
  await client.query('CLOSE backup')
}

/** Counts and hashes the rows of a table, and hands each part over. */
export async function summarize(
  client: ClientBase,
  table: Table,
  onPart: (bytes: Buffer, part: number) => Promise<void> = async () => {},
): Promise<TableSummary> {
  const hash = createHash('sha256')
  let count = 0
  let part = 0
  for await (const rows of readRows(client, table)) {
    const bytes = encodeRows(rows)
    hash.update(bytes)
    count += rows.length
    await onPart(bytes, ++part)
  }
  return { rows: count, sha256: hash.digest('hex') }
}

/** Inserts rows in one statement: an array of texts for each column, whatever its type. */
export async function insertRows(client: ClientBase, table: Table, rows: readonly Row[]): Promise<void> {
  const { columns } = table
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  const values = columns.map(({ type }, index) => `v${index}::${type}`).join(', ')
  const arrays = columns.map((_, index) => `$${index + 1}::text[]`).join(', ')
  const aliases = columns.map((_, index) => `v${index}`).join(', ')
  await client.query({
    text: `INSERT INTO ${quoteIdentifier(table.name)} (${names}) SELECT ${values} FROM unnest(${arrays}) AS given (${aliases})`,
    values: columns.map((_, index) => rows.map((row) => row[index] ?? null)),
  })
}
