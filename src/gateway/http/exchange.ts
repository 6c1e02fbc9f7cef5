import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../errors.ts'
import type { GatewayRequest } from '../gateway-context.ts'
import type { Payer } from '../limits/rate-limit.ts'
import { type Observation, observed } from '../observation.ts'
import type { StreamLimit } from './body-stream.ts'

/** A response that reports in its headers what its payer has left. */
export interface HttpResponse extends ServerResponse {
  payer?: Payer | undefined
  /** Absent if nobody observes requests. */
  observation?: Observation | undefined
  /**
   * True if the answer may go out before the body of the request is read. The connection then ends
   * after the answer, but only once the client has had the time to read it.
   */
  lingers?: boolean | undefined
}

/**
 * A request, its response, and what the entry parsed from it. Every handler behind the entry
 * receives one.
 */
export interface HttpExchange {
  request: IncomingMessage
  response: HttpResponse
  requestId: string
  /** Path without the query string, as sent (still percent-encoded). */
  path: string
  /** Query string without its `?`; empty if there is none. */
  query: string
  method: string
  /** By `performance.now()`. */
  arrivedAt: number
  /** True if answers may be compressed. */
  compression: boolean
  /**
   * Reads the whole body once. Throws PAYLOAD_TOO_LARGE above the limit; `large` selects the
   * higher limit.
   */
  body(options?: { large?: boolean | undefined }): Promise<Buffer>
  /**
   * Streams the body, which is then not limited by the time for ordinary bodies. The deadline of the
   * request rests until the body ends or the consumer stops. Throws PAYLOAD_TOO_LARGE above the limit
   * with this name, plus `more` bytes; without a name, whoever reads it limits it.
   */
  stream(limit: string | undefined, more?: number): AsyncIterable<Buffer>
  /** Returns the limit of streamed bodies with this name. */
  streamLimit(name: string): StreamLimit
  /**
   * Throws PAYLOAD_TOO_LARGE if the declared Content-Length is above the limit, without reading an
   * allowed body.
   */
  refuseOversized(options?: { large?: boolean | undefined }): Promise<void>
  /** Sends an error that no handler has caught. A handler with its own format of errors replaces it. */
  fail(error: unknown): void
  /** Lets `handler` answer failures from now on. It calls `otherwise` for those it cannot. */
  failWith(handler: (error: unknown, otherwise: (error: unknown) => void) => void): void
}

export type HttpHandler = (exchange: HttpExchange) => Promise<void> | void

/**
 * Wraps the handler of a page or status endpoint: METHOD_NOT_ALLOWED for anything but GET and HEAD.
 */
export function readOnly(handler: HttpHandler): HttpHandler {
  return (exchange) => {
    if (exchange.method === 'GET' || exchange.method === 'HEAD') return handler(exchange)
    const headers = { Allow: 'GET, HEAD' }
    throw new AppError('METHOD_NOT_ALLOWED', `${exchange.path} is read-only: use GET or HEAD.`, { headers })
  }
}

/** Returns the client's request id if it is safe to log and echo, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{1,100}$/.test(given) ? given : randomUUID()
}

/** Returns what a context factory needs to know about an HTTP exchange. */
export function gatewayRequest(exchange: HttpExchange, transport: GatewayRequest['transport']): GatewayRequest {
  const { request, requestId, arrivedAt } = exchange
  const observation = observed()
  if (observation) observation.protocol = transport === 'stream' ? 'sse' : transport
  const remoteAddress = request.socket.remoteAddress ?? ''
  return { requestId, transport, headers: request.headers, remoteAddress, arrivedAt }
}

/**
 * Calls back once when the response closes; at once if it has already closed, since Node emits
 * `close` only once.
 */
export function onceOver(response: ServerResponse, callback: () => void): void {
  if (response.closed) callback()
  else response.once('close', callback)
}
