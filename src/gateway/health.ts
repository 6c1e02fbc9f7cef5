import type { ServerResponse } from 'node:http'
import type { GatewayLog } from './context.ts'
import { type HttpHandler, readOnly } from './http.ts'

export interface HealthOptions {
  /** Resolves when the server can do its work; rejects with the reason when it cannot. */
  check: () => Promise<void>
  /** True from the moment the server is asked to stop: load balancers should look elsewhere. */
  stopping: () => boolean
  log: GatewayLog
}

/** `/livez`: the process answers. `/readyz` and `/health`: it can do its work, database included. */
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
      // A stranger who asks need not learn the database's address.
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
