import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import { setImmediate as setImmediatePromise, setTimeout as setTimeoutPromise } from 'node:timers/promises'

/**
 * Accepts the connections that wait in the backlog of the operating system, which closing the
 * listener would reset.
 */
export async function acceptWaiting(server: Server): Promise<void> {
  // A turn of the event loop accepts one connection. The first turn may be half over.
  const latest = performance.now() + MAX_ACCEPTING_MS
  let accepted = false
  const note = () => {
    accepted = true
  }
  server.on('connection', note)
  for (let quiet = 0; quiet < QUIET_TURNS && performance.now() < latest; quiet = accepted ? 0 : quiet + 1) {
    accepted = false
    await setTimeoutPromise(1)
    await setImmediatePromise()
  }
  server.off('connection', note)
}

const QUIET_TURNS = 3
const MAX_ACCEPTING_MS = 500

export interface DrainTimes {
  /** Milliseconds that a connection without a request stays open: one may be on its way. */
  idleMs?: number
  /** Milliseconds that any other connection stays open. */
  graceMs: number
}

/**
 * Stops listening and resolves when all connections have ended. Connections end after their next
 * answer, or when their time is over.
 */
export async function drainConnections(server: Server, { idleMs = 1_500, graceMs }: DrainTimes): Promise<void> {
  // Not the server's own `close`, which ends idle connections at once: that would reset a request
  // on its way.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
  const idle = setTimeout(() => server.closeIdleConnections(), idleMs)
  const all = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(idle)
  clearTimeout(all)
  // Stops the timer that checks for slow requests. Reports that nothing listens any more.
  server.close(() => {})
}
