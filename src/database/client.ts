import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { AppError } from '../gateway/errors.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { withCompiledStatements } from './compiled/client.ts'
import { readColumnTypes } from './compiled/column-types.ts'
import { type ConnectionSettings, type Log, prepareSession, SILENT } from './connection.ts'
import { type EmbeddedDatabase, startEmbedded } from './embedded.ts'
import { type DatabaseLimits, DEFAULT_LIMITS } from './limits.ts'
import { migrate } from './migrate.ts'
import { type DatabaseStatus, IS_READ_ONLY, type Listener, type Monitor, startMonitor } from './monitor.ts'
import { GatedPool, type PoolSetup, type StatementObserver } from './pool.ts'
import { findDatabase } from './pooler.ts'
import { pinRoleDefaults } from './role-defaults.ts'
import { createStatementNames, NAMES_LIFETIME_SECONDS, type StatementNames } from './statement-names.ts'
import { createTableNames, TableLocks } from './table-locks.ts'
import type { WatchedClient } from './watch.ts'

export type Database = PrismaClient

export interface DatabaseHandle {
  db: Database
  /**
   * The same database over a few connections of their own, for what must not wait behind
   * requests: authentication and the event log. Its transactions use the connections of `db`.
   */
  reserved: Database
  embedded: boolean
  /**
   * Resolves when the database can serve everything. Rejects after two seconds, or at once if it is
   * unreachable or read-only.
   */
  ping(): Promise<void>
  /** Counts the connections for requests: in use, and work that waits for one. */
  load(): { size: number; running: number; waiting: number }
  /**
   * Calls `onNotify` for each notification on a channel, and after each (re)connection, because
   * earlier notifications are lost. Reconnects forever. The embedded database never calls it,
   * because no other process can notify, and neither does a pooler without a direct URL.
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
  /** The same database without a pooler in between. */
  directUrl?: string
  /** A path, or "memory://" for a database that is discarded when closed. */
  dataDir: string
  /** The embedded database of `dataDir`, if it is already starting. */
  embedded?: Promise<EmbeddedDatabase> | undefined
  /** Maximum connections to PostgreSQL. The embedded database always has one. */
  poolSize?: number
  /** Limits of connections to PostgreSQL. */
  limits?: DatabaseLimits
  onStatement?: StatementObserver | undefined
  log?: Log
}

const PING_TIMEOUT_MS = 2_000

/** Limits the time to connect. A server that answers nothing meanwhile is given up earlier. */
const CONNECTION_TIMEOUT_MS = 10_000

/** Shorter than the idle time-outs of proxies, the usual 30 seconds among them. */
const IDLE_MS = 20_000

/** Connections besides those for requests: for authentication, health and the event log. */
const RESERVED_CONNECTIONS = 3

/** The embedded database has one connection, which a large write can hold for a while. */
const EMBEDDED_LIMITS: DatabaseLimits = { ...DEFAULT_LIMITS, queueMs: 10_000, statementMs: 60_000 }

/** How long closing waits for running queries. */
const DRAIN_TIMEOUT_MS = 3_000
const MONITOR_TIMEOUT_MS = 500

/** Opens the database and applies pending migrations. */
export async function openDatabase(options: DatabaseOptions): Promise<DatabaseHandle> {
  const log = options.log ?? SILENT
  const embedded = options.url ? undefined : await (options.embedded ?? startEmbedded(options.dataDir, { log }))
  embedded?.onFailure((error) => log.error({ err: error }, 'the embedded database failed'))
  const limits = embedded ? EMBEDDED_LIMITS : (options.limits ?? DEFAULT_LIMITS)
  const { pooled: connection, direct } = embedded
    ? { pooled: embedded.connection, direct: embedded.connection }
    : await findDatabase(options.url ?? '', options.directUrl, log)
  try {
    await migrate(direct, { log })
    if (!connection.namedStatements) await pinRoleDefaults(connection, limits, log)
  } catch (error) {
    await embedded?.close()
    throw error
  }

  const shared = {
    limits,
    tableNames: createTableNames(),
    locks: new TableLocks(),
    clients: new Set<WatchedClient>(),
    onStatement: options.onStatement,
  }
  const openPool = (size: number) => createPool(connection, { ...shared, size }, log)
  const size = embedded ? 1 : (options.poolSize ?? 10)
  const pool = openPool(size)
  const reservedPool = embedded ? pool : openPool(RESERVED_CONNECTIONS)
  const names = createStatementNames()
  const types = await readColumnTypes(pool)
  const monitor = embedded ? undefined : monitorPools(connection, [pool, reservedPool], shared, log)
  const listening = connection.namedStatements ? monitor : listenDirectly(direct, limits, log)
  const client = createClient(pool, connection, names)
  const compiled = (own: pg.Pool) => {
    const query = (text: string, values: readonly unknown[]) => {
      const name = connection.namedStatements ? names({ sql: text }) : undefined
      return own.query({ text, values: [...values], types: RAW_TYPES, ...(name && { name }) })
    }
    return withCompiledStatements(client, {
      types,
      run: async <Row>(text: string, values: readonly unknown[]) => (await query(text, values)).rows as Row[],
      execute: async (text, values) => (await query(text, values)).rowCount ?? 0,
    })
  }
  const db = compiled(pool)
  let closing: Promise<void> | undefined

  return {
    db,
    reserved: embedded ? db : compiled(reservedPool),
    embedded: embedded !== undefined,
    ping: () => ping(reservedPool, monitor),
    load: () => ({ size, ...pool.load }),
    listen: (channel, onNotify) =>
      listening?.listen(channel, onNotify) ?? Promise.resolve({ close: () => Promise.resolve() }),
    onFailure: (listener) => embedded?.onFailure(listener),
    close() {
      closing ??= (async () => {
        await db.$disconnect()
        const pools = [...new Set([pool, reservedPool])]
        await Promise.race([Promise.all(pools.map((own) => own.end())), delay(DRAIN_TIMEOUT_MS)])
        const monitors = [...new Set([monitor, listening])]
        await Promise.race([Promise.all(monitors.map((own) => own?.close())), delay(MONITOR_TIMEOUT_MS)])
        await embedded?.close()
      })()
      return closing
    },
  }
}

type Shared = Omit<PoolSetup, 'config' | 'size'>

function createPool(connection: ConnectionSettings, setup: Shared & { size: number }, log: Log): GatedPool {
  const pool = new GatedPool({
    ...setup,
    config: {
      ...connection.config,
      connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
      // A single connection holds all named statements: keep it open.
      idleTimeoutMillis: setup.size === 1 ? 0 : IDLE_MS,
      maxLifetimeSeconds: NAMES_LIFETIME_SECONDS,
      allowExitOnIdle: true,
      onConnect: (client) => prepareSession(client, connection.schema, setup.limits),
    },
  })
  // Without a listener, losing an idle connection (PostgreSQL restarts) would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'lost an idle database connection'))
  return pool
}

function monitorPools(
  connection: ConnectionSettings,
  pools: readonly GatedPool[],
  { clients, limits, locks }: Shared,
  log: Log,
): Monitor {
  return startMonitor(connection, {
    clients,
    silenceMs: limits.silenceMs,
    onSilence(error) {
      for (const pool of pools) pool.refuse(error)
    },
    onSound() {
      for (const pool of pools) pool.resume()
    },
    onLockedTables: (tables) => locks.saw(tables),
    log,
  })
}

/**
 * Watches a connection that a pooler of transactions is not in between. Undefined if there is none:
 * a notification would reach whoever uses the session next.
 */
function listenDirectly(direct: ConnectionSettings, { silenceMs }: DatabaseLimits, log: Log): Monitor | undefined {
  if (!direct.namedStatements) return undefined
  const ignore = () => {}
  const idle = { onSilence: ignore, onSound: ignore, onLockedTables: ignore }
  return startMonitor(direct, { clients: new Set(), silenceMs, ...idle, log })
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

/** Asks the monitor, whose connection nothing else can hold up, or the database itself. */
async function ping(pool: pg.Pool, monitor: Monitor | undefined): Promise<void> {
  const { isReadOnly } = (await monitor?.status()) ?? (await ask(pool))
  if (isReadOnly) throw new AppError('UNAVAILABLE', 'the database is read-only: nothing can be changed')
}

async function ask(pool: pg.Pool): Promise<DatabaseStatus> {
  const timeOut = delay(PING_TIMEOUT_MS).then(() => {
    throw new Error(`the database did not answer within ${PING_TIMEOUT_MS} ms`)
  })
  const { rows } = await Promise.race([pool.query<DatabaseStatus>(IS_READ_ONLY), timeOut])
  return rows[0] ?? { isReadOnly: false }
}

/** Does not keep the process alive. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}
