import { randomUUID } from 'node:crypto'
import { OperationTypeNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { toClientError } from '../client-error.ts'
import type { Engine } from '../engine.ts'
import { AppError } from '../errors.ts'
import type { ContextFactory, GatewayContext, GatewayLog } from '../gateway-context.ts'
import { preferredType } from '../http/accept.ts'
import { gatewayRequest, type HttpExchange, type HttpHandler, onceOver } from '../http/exchange.ts'
import { decodeJson, requirePercentEncoded } from '../http/utf8.ts'
import { REPLAYED, readIdempotencyKey } from '../idempotency-key.ts'
import type { ConnectionLimit } from '../limits/connection-limit.ts'
import type { EngineResult } from '../live/outcome.ts'
import { type EngineStream, isStream } from '../live/result-stream.ts'
import { SSE_TYPE, type SseForm, serveEvents } from '../live/sse.ts'
import type { PreparedOperation } from '../prepared-operation.ts'
import type { Variables } from '../variables.ts'
import { type Params, readParams } from './params.ts'
import { isJsonType, JSON_TYPES, type JsonType, sendResult } from './plain-post.ts'
import { refused, withHttp, withStatus } from './status.ts'

export interface GraphqlOptions<Context extends GatewayContext> {
  engine: Engine
  createContext: ContextFactory<Context>
  connectionLimit: ConnectionLimit
  path: string
  title: string
  /** The query that GraphiQL shows first. */
  defaultQuery: string
  log: GatewayLog
}

/** A request while Yoga handles it. */
interface YogaRequest {
  exchange: HttpExchange
  /** Read from the body of a POST: Yoga would replace bytes that are not UTF-8. */
  params: Params | undefined
  /** True if the client accepts Server-Sent Events. */
  acceptsEvents: boolean
  /** Takes the answer over from Yoga. It is complete when the promise resolves. */
  takeOver(answer: Promise<void>): void
}

/** GraphQL over Server-Sent Events in "distinct connections mode". */
const EVENT_FORM: SseForm = {
  opening: ':\n\n',
  render: (result) => `event: next\ndata: ${JSON.stringify(result)}\n\n`,
  closing: 'event: complete\ndata:\n\n',
}

/**
 * Serves GraphQL over HTTP and SSE, and GraphiQL to browsers. Yoga handles the protocol, the
 * engine runs the operations.
 */
export function createGraphql<Context extends GatewayContext>(options: GraphqlOptions<Context>): HttpHandler {
  const { engine, createContext, connectionLimit, log } = options
  const pending = new WeakMap<object, YogaRequest>()

  const runInEngine: Plugin<object, { req: object }> = {
    onRequestParse({ serverContext, setRequestParser }) {
      const params = pending.get(serverContext.req)?.params
      if (params) setRequestParser(() => params)
    },
    onParams({ setParamsHandler }) {
      setParamsHandler(({ params, context }) => {
        const request = pending.get((context as { req?: object }).req ?? {})
        if (!request) throw new AppError('INTERNAL', 'Yoga passed on an unknown request')
        return answerYoga(params, request)
      })
    },
  }

  /** Sends events directly: Yoga would serialize each of them again for every client. */
  async function answerYoga(params: Partial<Params>, request: YogaRequest): Promise<EngineResult> {
    const { exchange, acceptsEvents, takeOver } = request
    const result = await answer(params, exchange, acceptsEvents)
    if (!isStream(result)) return result
    takeOver(serveEvents(exchange, result, EVENT_FORM))
    // Yoga waits for a result that never comes, and is garbage-collected with the request.
    return new Promise(() => {})
  }

  /** Answers a POST of JSON without Yoga, which would copy the request and the response. */
  async function answerPost(
    params: Params,
    exchange: HttpExchange,
    type: JsonType,
    acceptsEvents: boolean,
  ): Promise<void> {
    const result = await answer(params, exchange, acceptsEvents)
    if (isStream(result)) await serveEvents(exchange, result, EVENT_FORM)
    else sendResult(exchange.response, type, result)
  }

  async function answer(
    params: Partial<Params>,
    exchange: HttpExchange,
    acceptsEvents: boolean,
  ): Promise<EngineResult | EngineStream> {
    let context: Context
    try {
      // First, because a caller who has no points left must not have documents parsed.
      context = await createContext(gatewayRequest(exchange, 'graphql'))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return withStatus({ errors: [toClientError(error, exchangeFacts(exchange))] })
    }
    exchange.response.payer = context.payer
    const prepared = engine.prepare(params.query ?? '', params.operationName)
    if ('errors' in prepared) return refused(prepared.errors)
    const kind = prepared.operation.operation
    if (kind === OperationTypeNode.MUTATION && exchange.method === 'GET') {
      const error = new AppError('METHOD_NOT_ALLOWED', 'Send mutations with POST.')
      return refused([
        withHttp(toClientError(error, exchangeFacts(exchange)), { status: 405, headers: { Allow: 'POST' } }),
      ])
    }
    const isSubscription = kind === OperationTypeNode.SUBSCRIPTION
    if (isSubscription && !acceptsEvents) {
      const message = `Subscriptions need the header Accept: ${SSE_TYPE}, or a websocket.`
      return refusedWithStatus(exchange, new AppError('NOT_ACCEPTABLE', message))
    }
    const variables = params.variables ?? {}
    const result = isSubscription
      ? await openStream(prepared, variables, context, exchange)
      : await runMaybeOnce(prepared, variables, context, exchange)
    if (isStream(result)) return result
    return withStatus(result)
  }

  async function openStream(
    prepared: PreparedOperation,
    variables: Variables,
    context: Context,
    { response }: HttpExchange,
  ): Promise<EngineStream | EngineResult> {
    try {
      onceOver(response, connectionLimit.acquire(context.principal))
    } catch (error) {
      return { errors: [toClientError(error, context)] }
    }
    return engine.open(prepared, variables, context)
  }

  async function runMaybeOnce(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
    { request, response }: HttpExchange,
  ): Promise<EngineResult> {
    const isMutation = prepared.operation.operation === OperationTypeNode.MUTATION
    const refused = engine.refuseSignedOut(prepared, variables, context)
    if (refused) return refused
    const key = isMutation ? readIdempotencyKey(request.headers) : undefined
    if (key === undefined) return engine.run(prepared, variables, context)
    const { result, replayed } = await engine.runOnce(prepared, variables, context, key)
    if (replayed) response.setHeader(REPLAYED, 'true')
    return result
  }

  /** Returns an error whose status applies even if the client accepts only `application/json`. */
  function refusedWithStatus(exchange: HttpExchange, error: AppError): EngineResult {
    return { errors: [withHttp(toClientError(error, exchangeFacts(exchange)), { status: error.status })] }
  }

  const exchangeFacts = ({ requestId }: HttpExchange) => ({ requestId, log })

  /** Loads Yoga for the first request that needs it. Few servers see a GET or a form of SSE. */
  async function loadYoga() {
    const { createYoga } = await import('graphql-yoga')
    return createYoga<{ req: object }>({
      schema: engine.schema,
      graphqlEndpoint: options.path,
      plugins: [runInEngine],
      // The HTTP entry handles these: body limit, CORS, health. GraphQL accepts no uploads.
      maxRequestBodySize: false,
      cors: false,
      multipart: false,
      landingPage: false,
      batching: false,
      logging: false,
      graphiql: { title: options.title, defaultQuery: options.defaultQuery, subscriptionsProtocol: 'WS' },
      // 18 MB, bundled instead of fetched from a CDN. Loaded when the first browser asks for it.
      renderGraphiQL: async (page) => (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(page),
      maskedErrors: {
        errorMessage: '',
        // Only Yoga's own errors about a request arrive here: 400 whatever the client accepts.
        maskError: (error) => withHttp(toClientError(error, { requestId: randomUUID(), log }), { status: 400 }),
      },
    })
  }
  let yoga: ReturnType<typeof loadYoga> | undefined

  return async (exchange) => {
    const { request, response } = exchange
    exchange.failWith((error, otherwise) => (canAnswer(exchange) ? sendErrors(exchange, error) : otherwise(error)))
    const acceptsEvents = preferredType(request, [SSE_TYPE]) !== undefined
    // Yoga negotiates after it has run the operation. With a single type that it can send, it
    // never refuses then.
    const type = negotiate(exchange)
    request.headers.accept = type
    requirePercentEncoded(exchange.query, 'The query string')
    const params = exchange.method === 'POST' ? readParams(await readBody(exchange)) : undefined
    if (params && isJsonType(type)) return answerPost(params, exchange, type, acceptsEvents)
    const takenOver = new Promise<void>((takeOver) =>
      pending.set(request, { exchange, params, acceptsEvents, takeOver }),
    )
    yoga ??= loadYoga()
    await Promise.race([(await yoga)(request, response), takenOver])
  }

  function sendErrors(exchange: HttpExchange, cause: unknown): void {
    const { request, response } = exchange
    const error = toClientError(cause, exchangeFacts(exchange))
    const status = cause instanceof AppError ? cause.status : 500
    const headers = cause instanceof AppError ? cause.headers : {}
    const type = preferredType(request, JSON_TYPES) ?? 'application/graphql-response+json'
    response.writeHead(status, { ...headers, 'Content-Type': `${type}; charset=utf-8` })
    response.end(JSON.stringify({ errors: [error] }))
  }
}

const canAnswer = ({ request, response }: HttpExchange) =>
  !response.headersSent && !request.errored && !request.socket.writableEnded && !request.socket.destroyed

/** Result formats for clients that do not accept JSON. */
const STREAM_TYPES = [SSE_TYPE, 'multipart/mixed'] as const

/**
 * Returns the media type of the answer. Throws NOT_ACCEPTABLE before anything has run. Clients
 * that prefer HTML get GraphiQL.
 */
function negotiate({ request, method }: HttpExchange): string {
  const types = method === 'GET' ? ([...JSON_TYPES, 'text/html'] as const) : JSON_TYPES
  const type = preferredType(request, types) ?? preferredType(request, STREAM_TYPES)
  if (type !== undefined) return type
  const offered = [...types, ...STREAM_TYPES].join(', ')
  throw new AppError('NOT_ACCEPTABLE', `This endpoint sends ${offered}, not ${request.headers.accept}.`)
}

/**
 * Accepts only JSON: a browser form can send other types across origins without
 * a preflight request.
 */
async function readBody(exchange: HttpExchange): Promise<unknown> {
  const type = (exchange.request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'application/json' || type === 'application/graphql+json') return decodeJson(await exchange.body())
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send application/json, not ${type || 'a body without a Content-Type'}.`)
}
