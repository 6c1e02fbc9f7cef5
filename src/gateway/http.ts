import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { toClientError } from './client-error.ts'
import type { GatewayLog, GatewayRequest } from './context.ts'
import { AppError } from './errors.ts'
import { sendProblem } from './problem.ts'
import { requirePercentEncoded } from './utf8.ts'

/** A request with what the entry found out about it: every handler behind the entry gets this. */
export interface HttpExchange {
  request: IncomingMessage
  response: ServerResponse
  requestId: string
  /** Path without the query string, as sent (still percent-encoded). */
  path: string
  /** The query string without its `?`; empty when there is none. */
  query: string
  method: string
  /** By `performance.now()`. */
  arrivedAt: number
  /** Reads the whole body once; refuses one over the limit (the larger one, if asked) with PAYLOAD_TOO_LARGE. */
  body(options?: { large?: boolean | undefined }): Promise<Buffer>
}

export type HttpHandler = (exchange: HttpExchange) => Promise<void> | void

export interface HttpEntryOptions {
  /** Handlers by exact path, or by prefix where the key ends in `/*`. The longest prefix wins. */
  routes: Readonly<Record<string, HttpHandler>>
  /** Largest body in bytes. */
  bodyLimit: number
  /** The same of operations that take many things at once. */
  largeBodyLimit?: number
  /** Origins a browser may call from; `*` for any. */
  corsOrigins: readonly string[]
  log: GatewayLog
}

/** The entry of every HTTP request: request id, timing, CORS, dispatch by path, and the last line against exceptions. */
export function createHttpEntry(options: HttpEntryOptions) {
  const exact = new Map(Object.entries(options.routes).filter(([path]) => !path.endsWith('/*')))
  const prefixes = Object.entries(options.routes)
    .filter(([path]) => path.endsWith('/*'))
    .map(([path, handler]) => [path.slice(0, -1), handler] as const)
    .sort(([a], [b]) => b.length - a.length)

  return async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now()
    const exchange = openExchange(request, response, options)
    response.setHeader('X-Request-Id', exchange.requestId)
    timeResponse(response, started)
    try {
      requireHost(request)
      if (answerCors(exchange, options.corsOrigins)) return
      const { path } = exchange
      requirePercentEncoded(path, 'The path')
      const handler = exact.get(path) ?? prefixes.find(([prefix]) => path.startsWith(prefix))?.[1]
      if (!handler) throw new AppError('NOT_FOUND', `There is nothing at ${path}.`)
      await handler(exchange)
    } catch (error) {
      fail(exchange, error, options.log)
    }
  }
}

/** The characters of a host and its port (RFC 3986 3.2.2), but those that no server's name has. */
const HOST = /^[\w.~%:[\]-]+$/

/** RFC 9112 3.2: one Host, and one that can be. HTTP/1.0 has none. */
function requireHost({ headers: { host }, httpVersion }: IncomingMessage): void {
  const sound = host === undefined ? httpVersion === '1.0' : HOST.test(host) && URL.canParse(`http://${host}/`)
  if (sound) return
  throw new AppError('BAD_REQUEST', 'The Host header has to be the name of one host.')
}

/** A page or a state: there is nothing to do at its address but read it. */
export function readOnly(handler: HttpHandler): HttpHandler {
  return (exchange) => {
    if (exchange.method === 'GET' || exchange.method === 'HEAD') return handler(exchange)
    const headers = { Allow: 'GET, HEAD' }
    throw new AppError('METHOD_NOT_ALLOWED', `${exchange.path} can only be read.`, { headers })
  }
}

function openExchange(
  request: IncomingMessage,
  response: ServerResponse,
  { bodyLimit, largeBodyLimit = bodyLimit }: HttpEntryOptions,
): HttpExchange {
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  let body: Promise<Buffer> | undefined
  return {
    request,
    response,
    requestId: requestIdOf(request),
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    method: request.method ?? 'GET',
    arrivedAt: performance.now(),
    body({ large = false } = {}) {
      body ??= readBody(request, response, large ? Math.max(largeBodyLimit, bodyLimit) : bodyLimit)
      return body
    },
  }
}

/** The client's own request id when it is harmless to log and echo, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{1,100}$/.test(given) ? given : randomUUID()
}

/** What a context factory is told of an HTTP exchange. */
export function gatewayRequest(exchange: HttpExchange, transport: GatewayRequest['transport']): GatewayRequest {
  const { request, requestId, arrivedAt } = exchange
  const remoteAddress = request.socket.remoteAddress ?? ''
  return { requestId, transport, headers: request.headers, remoteAddress, arrivedAt }
}

/** Calls back when an answer is over, however it ends; at once where its client has gone: that is told only once. */
export function onceOver(response: ServerResponse, callback: () => void): void {
  if (response.closed) callback()
  else response.once('close', callback)
}

/** A compressed body has no size to bound until it is unpacked, and who sends one has to be told (RFC 9110 15.5.16). */
function requireIdentity({ headers }: IncomingMessage): void {
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (coding === '' || coding === 'identity') return
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send the body as it is, without Content-Encoding: ${coding}.`, {
    headers: { 'Accept-Encoding': 'identity' },
  })
}

/** What is read and thrown away of a body that is too large, so that a client that is still sending gets its answer. */
const MAX_DISCARDED = 16 * 1_048_576
const MAX_DISCARDING_MS = 5_000

async function readBody(request: IncomingMessage, response: ServerResponse, limit: number): Promise<Buffer> {
  requireIdentity(request)
  const hopeless = limit + MAX_DISCARDED
  let chunks: Buffer[] = []
  let size = Number(request.headers['content-length'] ?? 0) > hopeless ? Number.POSITIVE_INFINITY : 0
  const started = performance.now()
  if (size <= hopeless) {
    // Breaking off must not destroy the connection that the answer goes out on.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else chunks = []
      if (size > hopeless || (size > limit && performance.now() - started > MAX_DISCARDING_MS)) break
    }
  }
  if (size > limit) {
    // What was not read stands before any further request on this connection.
    if (!request.readableEnded) response.setHeader('Connection', 'close')
    throw new AppError('PAYLOAD_TOO_LARGE', `The body is larger than ${limit} bytes.`)
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size)
}

/** `Server-Timing` has to be known when the headers leave, so it is set in the moment they do. */
function timeResponse(response: ServerResponse, started: number): void {
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse
  response.writeHead = (...args: unknown[]) => {
    response.setHeader('Server-Timing', `total;dur=${(performance.now() - started).toFixed(1)}`)
    return writeHead(...args)
  }
}

const EXPOSED_HEADERS =
  'Deprecation, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, Sunset, X-Request-Id'

/** Sets the CORS headers of an allowed origin; answers a preflight and returns true. */
function answerCors({ request, response, method }: HttpExchange, allowed: readonly string[]): boolean {
  const origin = request.headers.origin
  if (origin === undefined) return false
  response.appendHeader('Vary', 'Origin')
  if (originAllowed(request, allowed)) {
    response.setHeader('Access-Control-Allow-Origin', origin)
    response.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS)
  }
  if (method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false
  response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
  response.setHeader('Access-Control-Allow-Headers', request.headers['access-control-request-headers'] ?? '*')
  response.setHeader('Access-Control-Max-Age', '600')
  response.writeHead(204).end()
  return true
}

/** A page of our own origin, or one of the configured ones. No Origin at all is a client that is no browser: allowed. */
export function originAllowed(request: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = request.headers
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
}

function fail(exchange: HttpExchange, error: unknown, log: GatewayLog): void {
  const { response, requestId, request } = exchange
  if (request.errored || request.socket.destroyed) return void response.destroy()
  if (response.headersSent) {
    log.error({ err: error, requestId }, 'an answer broke off')
    return void response.destroy()
  }
  sendProblem(response, requestId, toClientError(error, { requestId, log }))
}
