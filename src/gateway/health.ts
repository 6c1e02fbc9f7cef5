import type { ServerResponse } from 'node:http'
import type { GatewayLog } from './gateway-context.ts'
import { type HttpHandler, readOnly } from './http/exchange.ts'

export interface HealthOptions {
  /** Resolves when the server can work; rejects with the reason when it cannot. */
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
      // Do not reveal the database's address.
      log.warn({ err: error }, 'not ready: the database does not answer')
      sendStatus(response, 503, { status: 'unavailable', reason: 'the database does not answer' })
    }
  })
  return {
    '/livez': readOnly(({ response }) => sendStatus(response, 200, { status: 'alive' })),
    '/readyz': ready,
    '/health': ready,
  }
}

function sendStatus(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(body))
}
