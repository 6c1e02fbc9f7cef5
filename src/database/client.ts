import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from '../generated/prisma/client.ts'
import { withCompiledStatements } from './compiled/client.ts'
import { readColumnTypes } from './compiled/column-types.ts'
import { type ConnectionSettings, type Log, parseConnection, prepareSession, SILENT } from './connection.ts'
import { type EmbeddedDatabase, startEmbedded } from './embedded.ts'
import { type Listener, listenTo } from './listen.ts'
import { migrate } from './migrate.ts'
import { createStatementNames, NAMES_LIFETIME_SECONDS, type StatementNames } from './statement-names.ts'

export type Database = PrismaClient

export interface DatabaseHandle {
  db: Database
  embedded: boolean
  /**
   * Resolves when the database answers. Rejects after two seconds, or at once if it is unreachable.
   */
  ping(): Promise<void>
  /**
   * Calls `onNotify` for each notification on a channel, and after each (re)connection, because
   * earlier notifications are lost. Reconnects forever. The embedded database never calls it: no
   * other process can notify.
   */
  listen(channel: string, onNotify: () => void): Promise<Listener>
  /**
   * Calls the listener once if the embedded database dies. Every later query fails until a restart.
   */
  onFailure(listener: (error: Error) => void): void
  /** Can be called more than once. */
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** A `postgres://` URL. Without one, the embedded database starts in `dataDir`. */
  url?: string
  /** A path, or "memory://" for a database that is discarded when closed. */
  dataDir: string
  /** The embedded database of `dataDir`, if it is already starting. */
  embedded?: Promise<EmbeddedDatabase> | undefined
  /** Maximum connections to PostgreSQL. The embedded database always has one. */
  poolSize?: number
  log?: Log
}

const PING_TIMEOUT_MS = 2_000

/** Limits the wait for a pool slot or a connection. Without it, adapter-pg waits forever. */
const CONNECTION_TIMEOUT_MS = 10_000

/** Last resort: callers give up earlier, but PostgreSQL would keep working for them. */
const STATEMENT_TIMEOUT_MS = 60_000

/** How long closing waits for running queries. */
const DRAIN_TIMEOUT_MS = 5_000

/** Opens the database and applies pending migrations. */
export async function openDatabase(options: DatabaseOptions): Promise<DatabaseHandle> {
  const log = options.log ?? SILENT
  const embedded = options.url ? undefined : await (options.embedded ?? startEmbedded(options.dataDir))
  const connection = embedded?.connection ?? parseConnection(options.url ?? '')
  embedded?.onFailure((error) => log.error({ err: error }, 'the embedded database failed'))
  try {
    await migrate(connection, { log })
  } catch (error) {
    await embedded?.close()
    throw error
  }

  const pool = createPool(connection, embedded ? 1 : (options.poolSize ?? 10), log)
  const names = createStatementNames()
  const db = withCompiledStatements(createClient(pool, connection, names), {
    types: await readColumnTypes(pool),
    async run<Row>(text: string, values: readonly unknown[]) {
      const name = connection.namedStatements ? names({ sql: text }) : undefined
      const { rows } = await pool.query({ text, values: [...values], types: RAW_TYPES, ...(name && { name }) })
      return rows as Row[]
    },
  })
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

function createPool(connection: ConnectionSettings, size: number, log: Log): pg.Pool {
  const pool = new pg.Pool({
    ...connection.config,
    max: size,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    // A single connection holds all named statements: keep it open.
    idleTimeoutMillis: size === 1 ? 0 : 60_000,
    maxLifetimeSeconds: NAMES_LIFETIME_SECONDS,
    allowExitOnIdle: true,
    onConnect: async (client) => {
      await prepareSession(client, connection.schema)
      await client.query(`SET statement_timeout TO ${STATEMENT_TIMEOUT_MS}`)
    },
  })
  // Without a listener, losing an idle connection (PostgreSQL restarts) would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'lost an idle database connection'))
  return pool
}

function createClient(pool: pg.Pool, connection: ConnectionSettings, names: StatementNames): Database {
  const adapter = new PrismaPg(pool, {
    schema: connection.schema,
    // The adapter passes the result to `pg`, where undefined means "no name".
    ...(connection.namedStatements && { statementNameGenerator: names as (query: { sql: string }) => string }),
  })
  // With a single connection, transactions wait for each other.
  return new PrismaClient({ adapter, transactionOptions: { maxWait: CONNECTION_TIMEOUT_MS, timeout: 15_000 } })
}

// In the zone of the process, times before its standard time would lose their seconds.
pg.defaults.parseInputDatesAsUTC = true

const INT8_OID = 20

/** Reads the values of raw queries as Prisma does: bigint as BigInt. */
const RAW_TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8_OID ? BigInt : pg.types.getTypeParser(oid, format as 'text'),
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
