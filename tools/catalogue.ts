/**
 * The definition of every object in the schema "public" except Prisma's own table, by name:
 * "table User", "index User_email_key".
 */
export type Catalogue = Map<string, string>

/**
 * Each returns rows of (object, definition). Definitions name no schema, because it is on the
 * search path.
 */
const QUERIES = [
  `SELECT 'table ' || relname, '' FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,

  `SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped`,

  `SELECT 'enum ' || t.typname, string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder)
    FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typnamespace = 'public'::regnamespace GROUP BY t.typname`,

  // From PostgreSQL 18 on, NOT NULL is a constraint of its own. The columns already show it.
  `SELECT CASE contype WHEN 'c' THEN 'check ' ELSE 'constraint ' END || conname, conrelid::regclass || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'`,

  `SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'`,

  `SELECT 'trigger ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal`,

  `SELECT 'function ' || oid::regprocedure, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,

  `SELECT 'sequence ' || sequencename, data_type::text FROM pg_sequences WHERE schemaname = 'public'`,

  `SELECT 'view ' || viewname, definition FROM pg_views WHERE schemaname = 'public'`,
]

interface Queryable {
  query(sql: string): Promise<{ rows: unknown[] }>
}

export async function readCatalogue(db: Queryable): Promise<Catalogue> {
  const catalogue: Catalogue = new Map()
  for (const sql of QUERIES) {
    const { rows } = await db.query(`SELECT * FROM (${sql}) AS found (object, definition)`)
    for (const { object, definition } of rows as { object: string; definition: string }[]) {
      if (!/_prisma_migrations\b/.test(`${object} ${definition}`)) catalogue.set(object, definition)
    }
  }
  return catalogue
}
