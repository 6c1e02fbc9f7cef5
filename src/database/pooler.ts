import pg from 'pg'
import { type ConnectionSettings, type Log, parseConnection } from './connection.ts'
import { watchedClient } from './watch.ts'

/** A pooler without a free session answers nothing, and neither does a busy machine for a while. */
const TIMEOUT_MS = 2_000
const ATTEMPTS = 3

/** Number of statements of each connection that must run in one session, while others use the pooler. */
const TRIALS = 20

/** Where to find a database. */
export interface Addresses {
  /** For statements and transactions. */
  pooled: ConnectionSettings
  /** For what needs a session: migrations and notifications. */
  direct: ConnectionSettings
}

/** Reads both URLs, and finds out whether a pooler of transactions is in between that the URL does not name. */
export async function findDatabase(url: string, directUrl: string | undefined, log: Log): Promise<Addresses> {
  const given = parseConnection(url)
  const unnamed = given.namedStatements && (await isPooledByTransaction(given))
  const pooled = unnamed ? { ...given, namedStatements: false } : given
  if (unnamed) {
    log.warn({}, 'DATABASE_URL leads to a pooler in transaction mode: add ?pgbouncer=true to it')
  }
  if (directUrl === undefined) {
    if (!pooled.namedStatements) {
      log.warn(
        {},
        'set DATABASE_DIRECT_URL to reach PostgreSQL without the pooler: servers then hear of each other at once',
      )
    }
    return { pooled, direct: pooled }
  }
  return { pooled, direct: { ...parseConnection(directUrl), schema: pooled.schema } }
}

/**
 * Checks whether transactions of one connection run in different sessions of PostgreSQL. Compares
 * the process ids of backends.
 */
export async function isPooledByTransaction({ config }: ConnectionSettings): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await tryOut(config)
    if (found !== undefined) return found
  }
  return false
}

/** Returns undefined if there was no answer in time. */
async function tryOut(config: pg.ClientConfig): Promise<boolean | undefined> {
  const [first, second] = [connection(config), connection(config)]
  try {
    await first.connect()
    const pid = await backendOf(first)
    // Only a pooler makes up the process id that it tells its clients.
    if (pid === watchedClient(first).processID) return false
    await second.connect()
    const other = await backendOf(second)
    if (other === pid) return true
    for (let trial = 0; trial < TRIALS; trial++) {
      if ((await backendOf(first)) !== pid || (await backendOf(second)) !== other) return true
    }
    return false
  } catch (error) {
    if (error instanceof Error && error.message === 'Query read timeout') return undefined
    throw error
  } finally {
    await Promise.all([first.end(), second.end()].map((ending) => ending.catch(() => {})))
  }
}

function connection(config: pg.ClientConfig): pg.Client {
  const client = new pg.Client({ ...config, query_timeout: TIMEOUT_MS })
  client.on('error', () => {})
  return client
}

async function backendOf(client: pg.Client): Promise<number | undefined> {
  return (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid
}
