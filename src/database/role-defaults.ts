import pg from 'pg'
import { type ConnectionSettings, type Log, quoteIdentifier, sessionDefaults } from './connection.ts'
import type { DatabaseLimits } from './limits.ts'

/** Advisory lock of those who change the defaults of a role. */
const LOCK = `hashtextextended('taskwire.role_defaults', 0)`

/**
 * Makes the settings of our sessions the defaults of the role in this database, if they are not.
 * Behind a pooler that gives each transaction another session, settings of a session do not last.
 * The schema must exist.
 */
export async function pinRoleDefaults(
  { config, schema }: ConnectionSettings,
  limits: DatabaseLimits,
  log: Log,
): Promise<void> {
  const client = new pg.Client(config)
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`)
    const changes = await missingDefaults(client, { ...sessionDefaults(limits), search_path: quoteIdentifier(schema) })
    if (changes.length > 0) await setDefaults(client, changes, log)
    await client.query('COMMIT')
    // The session of these statements still has the old defaults. The pooler replaces it.
    if (changes.length > 0) await client.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => {})
  } finally {
    await client.end().catch(() => {})
  }
}

/** Returns the settings that are neither set for the role already nor the default anyway. */
async function missingDefaults(client: pg.Client, wanted: Record<string, string>): Promise<[string, string][]> {
  const { rows } = await client.query<{ name: string; value: string; own: string[] | null }>(
    `SELECT name, reset_val AS value,
       (SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase JOIN pg_roles r ON r.oid = setrole
        WHERE datname = current_database() AND rolname = current_user) AS own
     FROM pg_settings WHERE name = ANY ($1)`,
    [Object.keys(wanted)],
  )
  return rows.flatMap(({ name, value, own }): [string, string][] => {
    const setting = wanted[name]
    if (setting === undefined || value === setting || own?.includes(`${name}=${setting}`)) return []
    return [[name, setting]]
  })
}

async function setDefaults(client: pg.Client, changes: readonly [string, string][], log: Log): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
  const database = quoteIdentifier(rows[0]?.name ?? '')
  const settings = changes.map(([name, value]) => `${name} TO ${name === 'search_path' ? value : `'${value}'`}`)
  await client.query('SAVEPOINT defaults')
  try {
    for (const setting of settings) await client.query(`ALTER ROLE CURRENT_USER IN DATABASE ${database} SET ${setting}`)
    const advice =
      'set defaults of the database role; new sessions of the pooler have them: run RECONNECT in it if it is in use'
    log.info({ settings }, advice)
  } catch (error) {
    await client.query('ROLLBACK TO SAVEPOINT defaults')
    log.warn({ err: error, settings }, 'cannot set defaults of the database role: set them by hand')
  }
}
