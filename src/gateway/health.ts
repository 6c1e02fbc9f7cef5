import type { ServerResponse } from 'node:http'
import { AppError } from './errors.ts'
import type { GatewayLog } from './gateway-context.ts'
import { type HttpHandler, readOnly } from './http/exchange.ts'

export interface HealthOptions {
  /**
   * Resolves when the server can work; rejects with the reason when it cannot. The message of an
   * AppError is shown.
   */
  check: () => Promise<void>
  /**
   * Returns true once the server has been asked to stop, so that load balancers stop routing to it.
   */
  stopping: () => boolean
  log: GatewayLog
}

/**
 * Serves `/livez` (the process responds) and `/readyz` and `/health` (it can
 * work, database included).
 */
export function createHealth({
  check,
  stopping,
  log,
}: HealthOptions): Record<'/livez' | '/readyz' | '/health', HttpHandler> {
  const ready = readOnly(async ({ response }) => {
    if (stopping()) return sendStatus(response, 503, { status: 'stopping' })
    try {
      await check()
      sendStatus(response, 200, { status: 'ready' })
    } catch (error) {
      // Other messages could reveal the database's address.
      const reason = error instanceof AppError ? error.message : 'the database does not answer'
      log.warn({ err: error }, `not ready: ${reason}`)
      sendStatus(response, 503, { status: 'unavailable', reason })
    }
  })
  return {
    '/livez': readOnly(({ response }) => sendStatus(response, 200, { status: 'alive' })),
    '/readyz': ready,
    '/health': ready,
  }
}

function sendStatus(response: ServerResponse, status: number, body: object): void {
  if (status === 503) response.setHeader('Retry-After', '1')
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(body))
}
