import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'

/** How long a connection without a request stays open: a request may be on its way. */
const IDLE_MS = 1_500

/**
 * Stops listening and resolves when all connections have ended. Connections end after their next
 * answer, those without a request after a moment, all others after `graceMs`.
 */
export async function drainConnections(server: Server, graceMs: number): Promise<void> {
  // Not the server's own `close`, which ends idle connections at once: that would reset a request
  // on its way.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
  const idle = setTimeout(() => server.closeIdleConnections(), IDLE_MS)
  const all = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(idle)
  clearTimeout(all)
  // Stops the timer that checks for slow requests. Reports that nothing listens any more.
  server.close(() => {})
}
