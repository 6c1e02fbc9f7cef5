import type { Client } from 'pg'
import { type ConnectionSettings, type Log, PINNED, quoteIdentifier } from './connection.ts'

/**
 * Makes the pinned settings the defaults of the role in this database, if they are not. Behind a
 * pooler that gives each transaction another backend, a session's own settings do not last. Must
 * run before the session is prepared.
 */
export async function pinRoleDefaults(client: Client, { schema }: ConnectionSettings, log: Log): Promise<void> {
  const { rows } = await client.query<{ name: string; value: string }>(
    'SELECT name, reset_val AS value FROM pg_settings WHERE name = ANY ($1)',
    [Object.keys(PINNED)],
  )
  const statements = rows.flatMap(({ name, value }) =>
    PINNED[name] === undefined || PINNED[name] === value ? [] : [`${name} TO '${PINNED[name]}'`],
  )
  const found = await client.query<{ database: string; current: string | null }>(
    'SELECT current_database() AS database, current_schema() AS current',
  )
  const { database = '', current } = found.rows[0] ?? {}
  if (current !== schema) statements.push(`search_path TO ${quoteIdentifier(schema)}`)
  for (const statement of statements) {
    try {
      await client.query(`ALTER ROLE CURRENT_USER IN DATABASE ${quoteIdentifier(database)} SET ${statement}`)
      log.info({ setting: statement }, 'set a default of the database role, which the pooler keeps')
    } catch (error) {
      log.warn({ err: error, setting: statement }, 'cannot set a default of the database role: set it by hand')
    }
  }
}
