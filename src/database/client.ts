import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from '../generated/prisma/client.ts'
import { type Connection, type Log, parseConnection, prepareSession, SILENT } from './connection.ts'
import { startEmbedded } from './embedded.ts'
import { type Listener, listenTo } from './listen.ts'
import { migrate } from './migrate.ts'
import { createStatementNames, NAMES_LIFETIME_SECONDS } from './statement-names.ts'

export type Database = PrismaClient

export interface DatabaseHandle {
  db: Database
  embedded: boolean
  /** Resolves when the database answers; rejects after two seconds, or at once when it cannot be reached. */
  ping(): Promise<void>
  /**
   * Calls `onNotify` at each notification on a channel, and once after each (re)connection, since notifications sent
   * before it are lost. Connects again for ever. Embedded: never calls it, as there is no other process to hear from.
   */
  listen(channel: string, onNotify: () => void): Promise<Listener>
  /** Called once if the embedded database dies; every query fails from then on, and only a restart helps. */
  onFailure(listener: (error: Error) => void): void
  /** May be called again. */
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** A `postgres://` URL; without one the embedded database is started in `dataDir`. */
  url?: string
  /** A path, or "memory://" for a database that is gone when it is closed. */
  dataDir: string
  /** Connections to PostgreSQL; the embedded database always has one. */
  poolSize?: number
  log?: Log
}

const PING_TIMEOUT_MS = 2_000

/** Waiting for a pool slot or a connection; without it adapter-pg waits for ever. */
const CONNECTION_TIMEOUT_MS = 10_000

/** Of last resort: what takes so long is given up by whoever asked, but not by PostgreSQL. */
const STATEMENT_TIMEOUT_MS = 60_000

/** How long closing waits for queries that still run. */
const DRAIN_TIMEOUT_MS = 5_000

/** Opens the database and brings it to the newest migration. */
export async function openDatabase(options: DatabaseOptions): Promise<DatabaseHandle> {
  const log = options.log ?? SILENT
  const embedded = options.url ? undefined : await startEmbedded(options.dataDir)
  const connection = embedded?.connection ?? parseConnection(options.url ?? '')
  embedded?.onFailure((error) => log.error({ err: error }, 'the embedded database died'))
  try {
    await migrate(connection, { log })
  } catch (error) {
    await embedded?.close()
    throw error
  }

  const pool = createPool(connection, embedded ? 1 : (options.poolSize ?? 10), log)
  const db = createClient(pool, connection)
  let closing: Promise<void> | undefined

  return {
    db,
    embedded: embedded !== undefined,
    ping: () => ping(pool),
    listen: (channel, onNotify) =>
      embedded ? Promise.resolve({ close: () => Promise.resolve() }) : listenTo(connection, channel, onNotify, log),
    onFailure: (listener) => embedded?.onFailure(listener),
    close() {
      closing ??= (async () => {
        await db.$disconnect()
        await Promise.race([pool.end(), delay(DRAIN_TIMEOUT_MS)])
        await embedded?.close()
      })()
      return closing
    },
  }
}

function createPool(connection: Connection, size: number, log: Log): pg.Pool {
  const pool = new pg.Pool({
    ...connection.config,
    max: size,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    // A single connection holds all the named statements: keep it.
    idleTimeoutMillis: size === 1 ? 0 : 60_000,
    maxLifetimeSeconds: NAMES_LIFETIME_SECONDS,
    allowExitOnIdle: true,
    onConnect: async (client) => {
      await prepareSession(client, connection.schema)
      await client.query(`SET statement_timeout TO ${STATEMENT_TIMEOUT_MS}`)
    },
  })
  // Without a listener the loss of an idle connection (PostgreSQL restarting) would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'lost an idle database connection'))
  return pool
}

function createClient(pool: pg.Pool, connection: Connection): Database {
  const names = createStatementNames()
  const adapter = new PrismaPg(pool, {
    schema: connection.schema,
    // The adapter hands the answer to `pg`, to which undefined means "no name".
    ...(connection.namedStatements && { statementNameGenerator: names as (query: { sql: string }) => string }),
  })
  // On a pool of one a transaction waits for every other before it.
  return new PrismaClient({ adapter, transactionOptions: { maxWait: CONNECTION_TIMEOUT_MS, timeout: 15_000 } })
}

async function ping(pool: pg.Pool): Promise<void> {
  const timeOut = delay(PING_TIMEOUT_MS).then(() => {
    throw new Error(`the database did not answer within ${PING_TIMEOUT_MS} ms`)
  })
  await Promise.race([pool.query('SELECT 1'), timeOut])
}

/** Does not keep the process alive. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}
