import { type IncomingMessage, ServerResponse } from 'node:http'
import { type ErrorTranslator, toClientError } from '../client-error.ts'
import { AppError } from '../errors.ts'
import type { GatewayLog } from '../gateway-context.ts'
import { Deadline } from '../limits/deadline.ts'
import type { Payer } from '../limits/rate-limit.ts'
import { Observation, type Observer } from '../observation.ts'
import { endRequest, runRequest } from '../tracing.ts'
import { readBody, refuseOversized } from './body.ts'
import { discardRest, streamBody } from './body-stream.ts'
import { answerCors } from './cors.ts'
import { type HttpExchange, type HttpHandler, requestIdOf } from './exchange.ts'
import { requireHost, requirePlainFraming } from './framing.ts'
import type { HostRule } from './hosts.ts'
import { sendProblem } from './problem.ts'
import { readTarget, withoutSlash } from './target.ts'
import { requirePercentEncoded } from './utf8.ts'

export interface HttpEntryOptions {
  /** Handlers by exact path, or by prefix if the key ends in `/*`. The longest prefix wins. */
  routes: Readonly<Record<string, HttpHandler>>
  /** Maximum body size in bytes. */
  bodyLimit: number
  /** Maximum body size in bytes of operations that take many items at once. */
  largeBodyLimit?: number
  /** Time for a body to arrive, in milliseconds. */
  bodyTimeout: number
  /** The same for operations that take many items at once. */
  largeBodyTimeout?: number
  /** Maximum sizes in bytes of bodies that are streamed, by the name of the setting. */
  streamLimits?: Readonly<Record<string, number>>
  /** Time for a body that is streamed to arrive, in milliseconds. */
  streamedBodyTimeout?: number
  /** Time from the last byte of a request to the first of its answer, in milliseconds. */
  requestTimeout: number
  /** Origins a browser may call from; `*` for any. */
  corsOrigins: readonly string[]
  /** Throws if this server is not reached under the name in the Host header. */
  hosts: HostRule
  /** Compresses answers for clients that ask for it. */
  compression: boolean
  /** Returns true once the server stops: then every answer ends its connection. */
  stopping: () => boolean
  /** Turns an error that a handler throws into one that a client may see. */
  translateError?: ErrorTranslator | undefined
  /** Hears of every request when its answer is complete or its client has left. */
  observe?: Observer | undefined
  log: GatewayLog
}

/** A response that says in `Server-Timing` how long it took. The server must be created with it. */
export class GatewayResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  readonly #started = performance.now()
  #deadline: Deadline | undefined
  #isLast: (() => boolean) | undefined
  #observe: Observer | undefined
  observation: Observation | undefined
  payer: Payer | undefined
  lingers: boolean | undefined

  /**
   * Ends the deadline when the headers are sent, and the connection if the answer is then the last
   * on it. Not a callback: a function of its own on each response would keep it in memory.
   */
  watch(deadline: Deadline, isLast: () => boolean): void {
    this.#deadline = deadline
    this.#isLast = isLast
  }

  /** Reports the request when the response closes. */
  observe(observation: Observation, observe: Observer): void {
    this.observation = observation
    this.#observe = observe
    this.on('close', this.#report)
  }

  #report(this: GatewayResponse): void {
    if (!this.observation || !this.#observe) return
    this.observation.status = this.headersSent ? this.statusCode : 0
    endRequest(this.observation, this.#observe)
  }

  // biome-ignore lint/suspicious/noExplicitAny: Node's writeHead has several signatures
  override writeHead(...args: any): this {
    this.#deadline?.end()
    if (this.#isLast?.()) this.setHeader('Connection', 'close')
    this.payer?.report(this)
    this.setHeader('Server-Timing', `total;dur=${(performance.now() - this.#started).toFixed(1)}`)
    if (this.#leavesBody) this.setHeader('Connection', 'close')
    return super.writeHead(...(args as Parameters<ServerResponse['writeHead']>)) as this
  }

  get #leavesBody(): boolean {
    return this.lingers === true && !this.req.complete
  }

  /** Sends the whole answer, but ends it when the client has had the time to read it. */
  // biome-ignore lint/suspicious/noExplicitAny: Node's end has several signatures
  override end(...args: any): this {
    const [body] = args as unknown[]
    if (!this.#leavesBody || typeof body === 'function') return super.end(...(args as [])) as this
    this.lingers = false
    if (body) super.write(body)
    else this.flushHeaders()
    void discardRest(this.req).then(() => super.end())
    return this
  }
}

/**
 * Creates the entry of every HTTP request: request id, timing, CORS, dispatch by path, and the
 * final exception handler.
 */
export function createHttpEntry(options: HttpEntryOptions) {
  const exact = new Map(Object.entries(options.routes).filter(([path]) => !path.endsWith('/*')))
  const prefixes = Object.entries(options.routes)
    .filter(([path]) => path.endsWith('/*'))
    .map(([path, handler]) => [path.slice(0, -1), handler] as const)
    .sort(([a], [b]) => b.length - a.length)

  const find = (path: string) => exact.get(path) ?? prefixes.find(([prefix]) => path.startsWith(prefix))?.[1]

  return async function handle(request: IncomingMessage, response: GatewayResponse): Promise<void> {
    const deadline = new Deadline(options.requestTimeout, (error) => exchange.fail(error))
    const exchange = openExchange(request, response, deadline, options)
    response.setHeader('X-Request-Id', exchange.requestId)
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.watch(deadline, options.stopping)
    if (!options.observe) return dispatch(exchange, deadline)
    const observation = new Observation(exchange.requestId, 'http', exchange.method, exchange.path)
    response.observe(observation, options.observe)
    await runRequest(observation, request.headers, () => dispatch(exchange, deadline))
  }

  async function dispatch(exchange: HttpExchange, deadline: Deadline): Promise<void> {
    const { request, response } = exchange
    try {
      requireHost(request)
      options.hosts(request.headers.host)
      requirePlainFraming(request, response)
      if (answerCors(exchange, options.corsOrigins)) return
      const { path } = exchange
      requirePercentEncoded(path, 'The path')
      const handler = find(path) ?? find(withoutSlash(path))
      if (!handler) throw new AppError('NOT_FOUND', `There is nothing at ${path}.`)
      await handler(exchange)
    } catch (error) {
      // After the deadline the request has its answer.
      if (!deadline.isMissed) exchange.fail(error)
    } finally {
      deadline.end()
    }
  }
}

function openExchange(
  request: IncomingMessage,
  response: ServerResponse,
  deadline: Deadline,
  options: HttpEntryOptions,
): HttpExchange {
  const { bodyLimit, largeBodyLimit = bodyLimit, bodyTimeout, largeBodyTimeout = bodyTimeout, log } = options
  const { streamedBodyTimeout = largeBodyTimeout } = options
  const { path, query } = readTarget(request)
  let body: Promise<Buffer> | undefined
  let failing = (error: unknown) => sendFailure(exchange, error, log)
  const limitsOf = (large = false) => ({
    bytes: large ? Math.max(largeBodyLimit, bodyLimit) : bodyLimit,
    ms: large ? Math.max(largeBodyTimeout, bodyTimeout) : bodyTimeout,
  })
  const exchange: HttpExchange = {
    request,
    response,
    requestId: requestIdOf(request),
    path,
    query,
    method: request.method ?? 'GET',
    arrivedAt: performance.now(),
    compression: options.compression,
    body({ large } = {}) {
      if (body !== undefined) return body
      deadline.pause()
      body = readBody(request, response, limitsOf(large)).finally(() => deadline.start())
      return body
    },
    streamLimit(setting) {
      const bytes = options.streamLimits?.[setting]
      if (bytes === undefined) throw new Error(`there is no limit with the name ${setting}`)
      return { bytes, setting }
    },
    async *stream(name, more = 0) {
      const { bytes, setting } = name === undefined ? UNLIMITED : exchange.streamLimit(name)
      deadline.pause()
      try {
        yield* streamBody(request, response, { bytes: bytes + more, setting, ms: streamedBodyTimeout })
      } finally {
        deadline.start()
      }
    },
    refuseOversized: ({ large } = {}) => refuseOversized(request, response, limitsOf(large)),
    fail: (error) => failing(options.translateError?.(error) ?? error),
    failWith(handler) {
      const otherwise = failing
      failing = (error) => handler(error, otherwise)
    },
  }
  return exchange
}

const UNLIMITED = { bytes: Number.POSITIVE_INFINITY, setting: '' }

function sendFailure(exchange: HttpExchange, error: unknown, log: GatewayLog): void {
  const { response, requestId, request } = exchange
  // The answer is already written to the socket.
  if (request.socket.writableEnded) return
  if (request.errored || request.socket.destroyed) return void response.destroy()
  if (response.headersSent) {
    log.error({ err: error, requestId }, 'the response was cut off')
    return void response.destroy()
  }
  sendProblem(response, requestId, toClientError(error, { requestId, log }))
}
