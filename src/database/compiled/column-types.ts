import type { Pool } from 'pg'

/** Types of columns in SQL, like "uuid", by table and column. */
export type ColumnTypes = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Reads the SQL types of all columns from the catalog of the connected database. */
export async function readColumnTypes(pool: Pool): Promise<ColumnTypes> {
  const { rows } = await pool.query<{ table: string; column: string; type: string }>(`
    SELECT c.relname AS "table", a.attname AS "column", format_type(a.atttypid, NULL) AS "type"
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
      AND a.attnum > 0 AND NOT a.attisdropped`)
  const types = new Map<string, Map<string, string>>()
  for (const { table, column, type } of rows) {
    types.set(table, (types.get(table) ?? new Map<string, string>()).set(column, type))
  }
  return types
}
