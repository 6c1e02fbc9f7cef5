/** The database that all servers are measured on. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { parseConnection } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migrate.ts'

const NAME = 'taskwire_bench'

/**
 * Creates the database with this many tasks and returns its URL. The filled database is kept, and
 * each call starts from a fresh copy of it, so the writes of one run do not slow down the next.
 */
export async function prepareDatabase(server: string, rows: number): Promise<string> {
  const filled = `${NAME}_${rows}`
  await withClient(server, async (admin) => {
    const sql = (await readFile(new URL('data.sql', import.meta.url), 'utf8')).replaceAll('{rows}', String(rows))
    const checksum = createHash('sha256').update(sql).digest('hex')
    if (!(await isFilled(admin, filled, checksum, urlOf(server, filled)))) {
      console.log(`Filling the database with ${rows} tasks. This takes about a minute.`)
      await admin.query(`DROP DATABASE IF EXISTS ${filled}`)
      await admin.query(`CREATE DATABASE ${filled}`)
      await fill(urlOf(server, filled), sql)
      await admin.query(`COMMENT ON DATABASE ${filled} IS '${checksum}'`)
    }
    await admin.query(`DROP DATABASE IF EXISTS ${NAME} WITH (FORCE)`)
    await admin.query(`CREATE DATABASE ${NAME} TEMPLATE ${filled}`)
  })
  return urlOf(server, NAME)
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/**
 * Checks that a database has been filled completely by this script, and migrates it if necessary.
 */
async function isFilled(admin: pg.Client, name: string, checksum: string, url: string): Promise<boolean> {
  const { rows } = await admin.query<{ checksum: string | null }>(
    "SELECT shobj_description(oid, 'pg_database') AS checksum FROM pg_database WHERE datname = $1",
    [name],
  )
  if (rows[0]?.checksum !== checksum) return false
  return migrate(parseConnection(url)).then(
    () => true,
    // A migration that the database has was edited.
    () => false,
  )
}

async function fill(url: string, sql: string): Promise<void> {
  await migrate(parseConnection(url))
  await withClient(url, async (client) => {
    await client.query("SET session_replication_role = replica; SET synchronous_commit = off; SET TIME ZONE 'UTC'")
    await client.query(sql)
    await client.query('VACUUM ANALYZE')
  })
}

function urlOf(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}
