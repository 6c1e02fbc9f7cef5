import type { ClientBase } from 'pg'
import { quoteIdentifier } from '../../database/connection.ts'

interface ForeignKey {
  table: string
  name: string
  definition: string
}

interface Sequence {
  table: string
  column: string
  sequence: string
}

interface Index {
  name: string
  definition: string
}

/**
 * Empties every table, and suspends the triggers, foreign keys and indexes, as an ordinary owner
 * may: an index takes far less time to build than to keep while rows come in. The returned function
 * brings them back, which checks every row, and sets the sequences. All in the transaction of the
 * client.
 */
export async function suspendConstraints(client: ClientBase): Promise<() => Promise<void>> {
  const { rows: names } = await client.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace
      AND relkind IN ('r', 'p') AND relname <> '_prisma_migrations'`,
  )
  const tables = names.map(({ name }) => quoteIdentifier(name))
  const { rows: keys } = await client.query<ForeignKey>(
    `SELECT conrelid::regclass::text AS "table", conname::text AS name, pg_get_constraintdef(oid) AS definition
      FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype = 'f' ORDER BY oid`,
  )
  const { rows: indexes } = await client.query<Index>(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
      FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      WHERE relnamespace = current_schema()::regnamespace
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY indexrelid`,
  )
  // Rather fail than wait behind someone who uses the database.
  await client.query(`SET LOCAL lock_timeout = '10s'`)
  // One of the triggers keeps the audit log from being emptied.
  for (const table of tables) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
  await client.query(`TRUNCATE ${tables.join(', ')}`)
  for (const { table, name } of keys)
    await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(name)}`)
  for (const { name } of indexes) await client.query(`DROP INDEX ${name}`)

  return async () => {
    for (const { definition } of indexes) await client.query(definition)
    for (const { table, name, definition } of keys) {
      await client.query(`ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}`)
    }
    for (const table of tables) await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`)
    const { rows: sequences } = await client.query<Sequence>(
      `SELECT a.attrelid::regclass::text AS "table", a.attname::text AS "column", d.objid::regclass::text AS sequence
        FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
          JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.deptype IN ('a', 'i') AND s.relnamespace = current_schema()::regnamespace`,
    )
    for (const { table, column, sequence } of sequences) {
      await client.query(
        `SELECT setval($1::regclass, coalesce(max(${quoteIdentifier(column)}), 0) + 1, false) FROM ${table}`,
        [sequence],
      )
    }
  }
}
