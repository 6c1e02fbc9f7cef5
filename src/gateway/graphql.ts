import { randomUUID } from 'node:crypto'
import { type GraphQLError, OperationTypeNode } from 'graphql'
import { createYoga, type GraphQLParams, type Plugin } from 'graphql-yoga'
import { preferredType } from './accept.ts'
import { toClientError } from './client-error.ts'
import type { ContextFactory, GatewayContext, GatewayLog } from './context.ts'
import type { Engine, PreparedOperation, Variables } from './engine.ts'
import { AppError } from './errors.ts'
import { gatewayRequest, type HttpExchange, type HttpHandler, onceOver } from './http.ts'
import { REPLAYED, readIdempotencyKey } from './idempotency.ts'
import type { EngineResult } from './live/outcome.ts'
import type { Places } from './live/places.ts'
import { type EngineStream, isStream } from './live/result-stream.ts'
import { SSE_TYPE, type SseForm, serveEvents } from './live/sse.ts'
import { decodeJson, requirePercentEncoded } from './utf8.ts'

export interface GraphqlOptions<Context extends GatewayContext> {
  engine: Engine
  createContext: ContextFactory<Context>
  /** What one principal may hold open at once. */
  places: Places
  path: string
  title: string
  /** What GraphiQL shows first. */
  defaultQuery: string
  log: GatewayLog
}

/** A request on its way through Yoga. */
interface Asked {
  exchange: HttpExchange
  /** The body of a POST, parsed: Yoga itself would read bytes that are not UTF-8 as replacement characters. */
  body: unknown
  /** Whether the client accepts Server-Sent Events. */
  acceptsEvents: boolean
  /** Says that Yoga is not to answer: the answer is over when the promise is. */
  takeOver(answer: Promise<void>): void
}

/** GraphQL over Server-Sent Events, "distinct connections mode". */
const EVENT_FORM: SseForm = {
  opening: ':\n\n',
  render: (result) => `event: next\ndata: ${JSON.stringify(result)}\n\n`,
  closing: 'event: complete\ndata:\n\n',
}

/** GraphQL over HTTP and SSE, and GraphiQL for browsers: Yoga speaks the protocol, the engine runs the operations. */
export function createGraphql<Context extends GatewayContext>(options: GraphqlOptions<Context>): HttpHandler {
  const { engine, createContext, places, log } = options
  const asked = new WeakMap<object, Asked>()

  const runInEngine: Plugin<object, { req: object }> = {
    onRequestParse({ serverContext, setRequestParser }) {
      const request = asked.get(serverContext.req)
      if (request?.exchange.method === 'POST') setRequestParser(() => request.body as GraphQLParams)
    },
    onParams({ setParamsHandler }) {
      setParamsHandler(({ params, context }) => {
        const request = asked.get((context as { req?: object }).req ?? {})
        if (!request) throw new AppError('INTERNAL', 'Yoga lost the request it answers')
        return answer(params, request)
      })
    },
  }

  async function answer(params: GraphQLParams, request: Asked): Promise<EngineResult> {
    const { exchange, acceptsEvents } = request
    const { operationName } = params as { operationName?: unknown }
    if (operationName != null && typeof operationName !== 'string') {
      return refusedAnyway(exchange, new AppError('BAD_REQUEST', 'operationName must be a string.'))
    }
    const prepared = engine.prepare(params.query ?? '', operationName)
    if ('errors' in prepared) return refused(prepared.errors)
    const kind = prepared.operation.operation
    if (kind === OperationTypeNode.MUTATION && exchange.method === 'GET') {
      const error = new AppError('METHOD_NOT_ALLOWED', 'A mutation has to be sent with POST.')
      return refused([
        withHttp(toClientError(error, exchangeFacts(exchange)), { status: 405, headers: { Allow: 'POST' } }),
      ])
    }
    const isSubscription = kind === OperationTypeNode.SUBSCRIPTION
    if (isSubscription && !acceptsEvents) {
      const message = `A subscription is answered with ${SSE_TYPE}, or over a websocket.`
      return refusedAnyway(exchange, new AppError('NOT_ACCEPTABLE', message))
    }
    const context = await createContext(gatewayRequest(exchange, 'graphql'))
    const variables = params.variables ?? {}
    const result = isSubscription
      ? await openStream(prepared, variables, context, exchange)
      : await runOnceOrAgain(prepared, variables, context, exchange)
    if (isStream(result)) return sendStream(result, request)
    return result.data === undefined ? refused(result.errors ?? []) : result
  }

  async function openStream(
    prepared: PreparedOperation,
    variables: Variables,
    context: Context,
    { response }: HttpExchange,
  ): Promise<EngineStream | EngineResult> {
    try {
      onceOver(response, places.take(context.principal))
    } catch (error) {
      return { errors: [toClientError(error, context)] }
    }
    return engine.open(prepared, variables, context)
  }

  /** Events are ours to send, as those of REST: Yoga would write each of them anew for each client. */
  function sendStream(stream: EngineStream, { exchange, takeOver }: Asked): Promise<never> {
    takeOver(serveEvents(exchange, stream, EVENT_FORM))
    // Yoga waits for a result that never comes, and is forgotten with the request.
    return new Promise(() => {})
  }

  async function runOnceOrAgain(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
    { request, response }: HttpExchange,
  ): Promise<EngineResult> {
    const isMutation = prepared.operation.operation === OperationTypeNode.MUTATION
    const key = isMutation ? readIdempotencyKey(request.headers) : undefined
    if (key === undefined) return engine.run(prepared, variables, context)
    const { result, replayed } = await engine.runOnce(prepared, variables, context, key)
    if (replayed) response.setHeader(REPLAYED, 'true')
    return result
  }

  /** With its status even where the client only knows `application/json`. */
  function refusedAnyway(exchange: HttpExchange, error: AppError): EngineResult {
    return { errors: [withHttp(toClientError(error, exchangeFacts(exchange)), { status: error.status })] }
  }

  const exchangeFacts = ({ requestId }: HttpExchange) => ({ requestId, log })

  const yoga = createYoga<{ req: object }>({
    schema: engine.schema,
    graphqlEndpoint: options.path,
    plugins: [runInEngine],
    // The entry does these: body limit, CORS, health. Uploads are no GraphQL operation here.
    maxRequestBodySize: false,
    cors: false,
    multipart: false,
    landingPage: false,
    batching: false,
    logging: false,
    graphiql: { title: options.title, defaultQuery: options.defaultQuery, subscriptionsProtocol: 'WS' },
    // 18 MB of page, all of it here instead of on a CDN: loaded when the first browser asks.
    renderGraphiQL: async (page) => (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(page),
    maskedErrors: {
      errorMessage: '',
      // Only Yoga's own complaints about a request come by here: 400 whatever the client accepts.
      maskError: (error) => withHttp(toClientError(error, { requestId: randomUUID(), log }), { status: 400 }),
    },
  })

  return async (exchange) => {
    const { request, response } = exchange
    try {
      const acceptsEvents = preferredType(request, [SSE_TYPE]) !== undefined
      // Yoga negotiates after it has run the operation: with one type that it can serve it never refuses then.
      request.headers.accept = negotiate(exchange)
      requirePercentEncoded(exchange.query, 'The query string')
      const body = exchange.method === 'POST' ? await readBody(exchange) : undefined
      const takenOver = new Promise<void>((takeOver) => asked.set(request, { exchange, body, acceptsEvents, takeOver }))
      await Promise.race([yoga(request, response), takenOver])
    } catch (error) {
      sendErrors(exchange, error)
    }
  }

  function sendErrors(exchange: HttpExchange, cause: unknown): void {
    const { request, response } = exchange
    if (response.headersSent) throw cause
    const error = toClientError(cause, exchangeFacts(exchange))
    const status = cause instanceof AppError ? cause.status : 500
    const headers = cause instanceof AppError ? cause.headers : {}
    const type = preferredType(request, JSON_TYPES) ?? 'application/graphql-response+json'
    response.writeHead(status, { ...headers, 'Content-Type': `${type}; charset=utf-8` })
    response.end(JSON.stringify({ errors: [error] }))
  }
}

const JSON_TYPES = ['application/json', 'application/graphql-response+json'] as const
/** Also forms of a result, for clients that accept no JSON. */
const STREAM_TYPES = [SSE_TYPE, 'multipart/mixed'] as const

/** Returns the media type of the answer; NOT_ACCEPTABLE before anything has run. GraphiQL is for who prefers a page to JSON. */
function negotiate({ request, method }: HttpExchange): string {
  const types = method === 'GET' ? ([...JSON_TYPES, 'text/html'] as const) : JSON_TYPES
  const type = preferredType(request, types) ?? preferredType(request, STREAM_TYPES)
  if (type !== undefined) return type
  const offered = [...types, ...STREAM_TYPES].join(', ')
  throw new AppError('NOT_ACCEPTABLE', `This answers ${offered}, not ${request.headers.accept}.`)
}

/** Takes only JSON: a browser form can send the other types across origins without asking first. */
async function readBody(exchange: HttpExchange): Promise<unknown> {
  const type = (exchange.request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'application/json' || type === 'application/graphql+json') return decodeJson(await exchange.body())
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send application/json, not ${type || 'a body without a Content-Type'}.`)
}

/** Errors of the request as a whole: 400, but 200 where the client only knows `application/json` (GraphQL over HTTP). */
function refused(errors: readonly GraphQLError[]): EngineResult {
  return { errors: errors.map((error) => withHttp(error, { status: 400, spec: true })) }
}

interface HttpExtension {
  status: number
  headers?: Record<string, string>
  /** Only where the client accepts more than `application/json`. */
  spec?: boolean
}

/** Tells Yoga the status of the whole answer; what the error says already stands. */
function withHttp(error: GraphQLError, fallback: HttpExtension): GraphQLError {
  const given = error.extensions.http as HttpExtension | undefined
  error.extensions.http = { ...fallback, ...given, spec: fallback.spec ?? false }
  return error
}
