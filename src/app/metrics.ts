import { createHash, timingSafeEqual } from 'node:crypto'
import type { Config } from '../config.ts'
import { AppError, unauthenticated } from '../gateway/errors.ts'
import { type HttpExchange, type HttpHandler, readOnly } from '../gateway/http/exchange.ts'
import type { Metrics } from '../gateway/metrics.ts'
import { isLoopback } from './allowed-hosts.ts'
import type { OpenServices } from './services.ts'

/** Creates the metrics of a server. Loads their library, which a server without them does not need. */
export async function createServerMetrics(open: OpenServices, sockets: () => number): Promise<Metrics> {
  const { createMetrics } = await import('../gateway/metrics.ts')
  const metrics = createMetrics('taskwire')
  const { database, services } = open
  const { tail, db } = services
  metrics.gauge('database_connections', 'Size of the pool of connections for requests.', () => database.load().size)
  metrics.gauge('database_connections_used', 'Connections in use.', () => database.load().running)
  metrics.gauge('database_queue', 'Work that waits for a connection.', () => database.load().waiting)
  metrics.gauge('event_log_position', 'Newest event that this server has delivered.', () => Number(tail.position))
  metrics.gauge('event_log_lag', 'Committed events that this server has not delivered.', async () => {
    const newest = await tail.newest()
    return Number(newest - tail.position)
  })
  metrics.gauge('streams', 'Open streams.', () => open.openCounts().streams)
  metrics.gauge('websockets', 'Open websockets.', sockets)
  metrics.gauge('deliveries_pending', 'E-mails and push messages that are not sent yet, of all servers.', () =>
    db.delivery.count({ where: { sentAt: null, failedAt: null } }),
  )
  return metrics
}

/** Serves the metrics to whoever METRICS_TOKEN allows. */
export function metricsPage(metrics: Metrics, { METRICS_TOKEN }: Config): HttpHandler {
  return readOnly(async (exchange) => {
    if (METRICS_TOKEN === undefined) requireLocal(exchange)
    else requireToken(exchange, METRICS_TOKEN)
    const text = await metrics.text()
    exchange.response.writeHead(200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' }).end(text)
  })
}

/** A proxy on this machine passes on requests from anywhere. */
function requireLocal({ request: { headers, socket } }: HttpExchange): void {
  const forwarded = headers['x-forwarded-for'] ?? headers.forwarded
  if (forwarded === undefined && isLoopback(socket.remoteAddress?.replace(/^::ffff:/, '') ?? '')) return
  throw new AppError('FORBIDDEN', 'Metrics can be read on this machine only. METRICS_TOKEN allows others.')
}

function requireToken({ request: { headers } }: HttpExchange, token: string): void {
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? ''
  if (!timingSafeEqual(digest(given), digest(token))) throw unauthenticated('Send METRICS_TOKEN as a bearer token.')
}

const digest = (text: string) => createHash('sha256').update(text).digest()
