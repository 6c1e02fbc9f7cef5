import type { ServerResponse } from 'node:http'
import { type HttpHandler, readOnly } from './http.ts'

export interface HealthOptions {
  /** Resolves when the server can do its work; rejects with the reason when it cannot. */
  check: () => Promise<void>
  /** True from the moment the server is asked to stop: load balancers should look elsewhere. */
  stopping: () => boolean
}

/** `/livez`: the process answers. `/readyz` and `/health`: it can do its work, database included. */
export function createHealth({
  check,
  stopping,
}: HealthOptions): Record<'/livez' | '/readyz' | '/health', HttpHandler> {
  const ready = readOnly(async ({ response }) => {
    if (stopping()) return sendStatus(response, 503, { status: 'stopping' })
    try {
      await check()
      sendStatus(response, 200, { status: 'ready' })
    } catch {
      // The reason is in the log; a stranger who asks need not learn the database's address.
      sendStatus(response, 503, { status: 'unavailable', reason: 'the database does not answer' })
    }
  }
  return {
    '/livez': ({ response }) => sendStatus(response, 200, { status: 'alive' }),
    '/readyz': ready,
    '/health': ready,
  }
}

function sendStatus(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(body))
}
