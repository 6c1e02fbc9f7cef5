import pg from 'pg'
import { type ConnectionSettings, type Log, quoteIdentifier } from './connection.ts'

export interface Listener {
  close(): Promise<void>
}

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000

/**
 * Listens on a channel over a connection of its own. Resolves after the first attempt to connect,
 * successful or not. Retries a failed or lost connection forever, with a growing delay: polling
 * finds the announced events too.
 */
export async function listenTo(
  connection: ConnectionSettings,
  channel: string,
  onNotify: () => void,
  log: Log,
): Promise<Listener> {
  let client: pg.Client | undefined
  let retry: NodeJS.Timeout | undefined
  let failures = 0
  let closed = false

  async function connect(): Promise<void> {
    const fresh = new pg.Client({ ...connection.config, connectionTimeoutMillis: LAST_RETRY_MS })
    client = fresh
    // 'error', 'end' and a failed connect can all occur. Only the first schedules the next attempt.
    let lost = false
    const lose = (error?: Error) => {
      if (lost || closed) return
      lost = true
      if (failures++ === 0) log.warn({ err: error }, 'lost the connection for database notifications; reconnecting')
      retry = setTimeout(() => void connect(), Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS))
      fresh.end().catch(() => {})
    }
    fresh.on('error', lose)
    fresh.on('end', lose)
    fresh.on('notification', onNotify)
    try {
      await fresh.connect()
      await fresh.query(`LISTEN ${quoteIdentifier(channel)}`)
    } catch (error) {
      return lose(error instanceof Error ? error : new Error(String(error)))
    }
    if (failures > 0) log.info({}, 'listening for database notifications again')
    failures = 0
    onNotify()
  }

  await connect()
  return {
    async close() {
      closed = true
      clearTimeout(retry)
      await client?.end().catch(() => {})
    },
  }
}
