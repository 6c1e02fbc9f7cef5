import pg from 'pg'
import { type ConnectionSettings, type Log, quoteIdentifier } from './connection.ts'
import { ConnectionWatch, LOOKS, silence, type WatchedClient, watchedClient } from './watch.ts'

export interface Listener {
  close(): Promise<void>
}

export interface DatabaseStatus {
  isReadOnly: boolean
}

export interface Monitor {
  /**
   * Listens on a channel. Resolves after the first attempt to connect, successful or not. Calls back
   * for each notification, and after each (re)connection.
   */
  listen(channel: string, onNotify: () => void): Promise<Listener>
  /**
   * Returns what the last heartbeat said, or waits for the next if that was a while ago. Rejects if
   * the database is silent. Undefined while the monitor itself is not connected.
   */
  status(): Promise<DatabaseStatus | undefined>
  close(): Promise<void>
}

export interface MonitorOptions {
  /** All clients of all pools. The monitor adds its own. */
  clients: Set<WatchedClient>
  /** How long the server may stay silent, in milliseconds. */
  silenceMs: number
  /** Called when the server has gone silent. All connections are closed then. */
  onSilence(error: Error): void
  /** Called when it answers again. */
  onSound(): void
  /** Called with the tables whose locks statements wait for, empty if there are none. */
  onLockedTables(tables: readonly string[]): void
  log: Log
}

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 1_000
const CONNECT_TIMEOUT_MS = 10_000

/** Interval of a short statement that shows that the server answers. */
const HEARTBEAT_MS = 500
const RECENT_MS = HEARTBEAT_MS + 250

/** The heartbeat. Takes no lock. */
export const IS_READ_ONLY = `SELECT pg_is_in_recovery() OR
  current_setting('default_transaction_read_only')::boolean AS "isReadOnly"`

/** Errors that took long: the next attempt would, too. */
const SLOW_ERRORS = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'])

/** Asks for what backends do. A backend whose client reads nothing works for nobody. */
const ACTIVITY = `SELECT a.pid, c.relname AS "waitsFor",
    coalesce(a.state = 'active' AND a.wait_event IS DISTINCT FROM 'ClientWrite', false) AS "isWorking"
  FROM pg_stat_activity a
    LEFT JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted AND l.locktype = 'relation'
    LEFT JOIN pg_class c ON c.oid = l.relation
  WHERE a.pid = ANY($1::int[])`

interface Activity {
  pid: number
  isWorking: boolean
  waitsFor: string | null
}

/**
 * Watches the connections to PostgreSQL over one of its own, which also receives notifications.
 * `pg` itself never gives up a connection that has gone silent, and Node cannot set
 * TCP_USER_TIMEOUT. Reconnects forever.
 */
export function startMonitor(connection: ConnectionSettings, options: MonitorOptions): Monitor {
  const { clients, silenceMs, log } = options
  const watch = new ConnectionWatch(clients)
  const channels = new Map<string, Set<() => void>>()
  let client: pg.Client | undefined
  let isConnected = false
  /** True if the process ids of backends are those of PostgreSQL, not of a pooler in between. */
  let isDirect = false
  let retry: NodeJS.Timeout | undefined
  let failures = 0
  let isSilent = false
  let status: DatabaseStatus | undefined
  let heardAt = -Infinity
  let next = Promise.withResolvers<DatabaseStatus | undefined>()
  let closed = false

  const timer = setInterval(() => setImmediate(look), silenceMs / LOOKS).unref()

  /** Runs after the sockets have been read. */
  function look(): void {
    if (closed) return
    const heard = watch.look(client && watchedClient(client))
    if (heard === 'something') sound()
    if (heard !== 'silence' || isSilent) return
    isSilent = true
    log.error({}, `PostgreSQL has not answered for ${silenceMs} ms; closing all connections`)
    options.onSilence(silence())
    watch.closeAll()
  }

  function sound(): void {
    if (!isSilent) return
    isSilent = false
    log.info({}, 'PostgreSQL answers again')
    options.onSound()
  }

  async function connect(): Promise<void> {
    const fresh = new pg.Client({ ...connection.config, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
    client = fresh
    isConnected = false
    clients.add(watchedClient(fresh))
    // 'error', 'end' and a failed connect can all occur. Only the first schedules the next attempt.
    let lost = false
    const lose = (error?: Error) => {
      if (lost) return
      lost = true
      isConnected = false
      next.resolve(undefined)
      next = Promise.withResolvers()
      clients.delete(watchedClient(fresh))
      fresh.end().catch(() => {})
      if (closed) return
      // An error that comes at once needs no protection: statements get it at once, too.
      if (error && !SLOW_ERRORS.has(String((error as NodeJS.ErrnoException).code))) sound()
      if (failures++ === 0) log.warn({ err: error }, 'lost the connection that watches the database; reconnecting')
      retry = setTimeout(() => void connect(), Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS)).unref()
    }
    fresh.on('error', lose)
    fresh.on('end', lose)
    fresh.on('notification', ({ channel }) => notify(channel))
    try {
      await fresh.connect()
      const { rows } = await fresh.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      isDirect = rows[0]?.pid === watchedClient(fresh).processID
      for (const channel of channels.keys()) await fresh.query(`LISTEN ${quoteIdentifier(channel)}`)
    } catch (error) {
      return lose(error instanceof Error ? error : new Error(String(error)))
    }
    if (failures > 0) log.info({}, 'watching the database again')
    failures = 0
    isConnected = true
    for (const channel of channels.keys()) notify(channel)
    void beat(fresh)
  }

  function notify(channel: string): void {
    for (const onNotify of channels.get(channel) ?? []) onNotify()
  }

  /** Sends heartbeats until the connection is lost. */
  async function beat(own: pg.Client): Promise<void> {
    while (client === own && isConnected && !closed) {
      const started = performance.now()
      try {
        await ask(own)
      } catch {
        // A lost connection emits an error. Any other error is an answer.
      }
      const pause = HEARTBEAT_MS - (performance.now() - started)
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause).unref())
    }
  }

  async function ask(own: pg.Client): Promise<void> {
    const suspects = isDirect ? watch.suspects(watchedClient(own)) : new Map()
    status = (await own.query<DatabaseStatus>(IS_READ_ONLY)).rows[0]
    heardAt = performance.now()
    next.resolve(status)
    next = Promise.withResolvers()
    if (suspects.size === 0) return options.onLockedTables([])
    const { rows } = await own.query<Activity>(ACTIVITY, [[...suspects.keys()]])
    const working = new Set(rows.flatMap(({ pid, isWorking }) => (isWorking ? [pid] : [])))
    for (const [pid, suspect] of suspects) if (!working.has(pid)) watch.notWorkingFor(suspect)
    options.onLockedTables([...new Set(rows.flatMap(({ waitsFor }) => waitsFor ?? []))])
  }

  const first = connect()
  return {
    async listen(channel, onNotify) {
      await first
      const callbacks = channels.get(channel)
      channels.set(channel, (callbacks ?? new Set()).add(onNotify))
      // A connection that is lost meanwhile listens when it is back.
      if (!callbacks && isConnected) await client?.query(`LISTEN ${quoteIdentifier(channel)}`).catch(() => {})
      if (isConnected) onNotify()
      return {
        async close() {
          channels.get(channel)?.delete(onNotify)
        },
      }
    },
    async status() {
      if (isSilent) throw silence()
      if (!isConnected) return undefined
      return performance.now() - heardAt < RECENT_MS ? status : next.promise
    },
    async close() {
      closed = true
      clearInterval(timer)
      clearTimeout(retry)
      await client?.end().catch(() => {})
    },
  }
}
