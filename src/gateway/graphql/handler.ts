import { OperationTypeNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { toClientError } from '../client-error.ts'
import type { Engine } from '../engine.ts'
import { AppError, unauthenticated } from '../errors.ts'
import type { ContextFactory, GatewayContext, GatewayLog } from '../gateway-context.ts'
import { preferredType } from '../http/accept.ts'
import type { Asset } from '../http/assets.ts'
import { mediaTypeOf, notJson } from '../http/content-type.ts'
import { gatewayRequest, type HttpExchange, type HttpHandler, onceOver } from '../http/exchange.ts'
import { decodeJson, requirePercentEncoded } from '../http/utf8.ts'
import { REPLAYED, readIdempotencyKey } from '../idempotency-key.ts'
import type { ConnectionLimit } from '../limits/connection-limit.ts'
import type { EngineResult } from '../live/outcome.ts'
import { type EngineStream, isStream } from '../live/result-stream.ts'
import { SSE_TYPE, type SseForm, serveEvents } from '../live/sse.ts'
import type { PreparedOperation } from '../prepared-operation.ts'
import { isUpload } from '../uploads/upload.ts'
import type { Variables } from '../variables.ts'
import type { PrepareRequest } from './documents.ts'
import { readFileRequest } from './multipart.ts'
import { type Params, readParams, readQuery } from './params.ts'
import { isJsonType, JSON_TYPES, sendEvent, sendResult } from './send-result.ts'
import { refused, withStatus } from './status.ts'

export interface GraphqlOptions<Context extends GatewayContext> {
  engine: Engine
  createContext: ContextFactory<Context>
  connectionLimit: ConnectionLimit
  /** Finds the document of a request. */
  prepare: PrepareRequest
  path: string
  /** The page for browsers. */
  page: Asset
  log: GatewayLog
}

/** GraphQL over Server-Sent Events in "distinct connections mode". */
const EVENT_FORM: SseForm = {
  opening: ':\n\n',
  render: (result) => `event: next\ndata: ${JSON.stringify(result)}\n\n`,
  closing: 'event: complete\ndata:\n\n',
}

/**
 * Serves GraphQL over HTTP and SSE, and a page to browsers. Yoga writes results as multipart;
 * everything else is done here. The engine runs the operations.
 */
export function createGraphql<Context extends GatewayContext>(options: GraphqlOptions<Context>): HttpHandler {
  const { engine, createContext, connectionLimit, prepare, page, log } = options
  /** Results that Yoga writes. */
  const results = new WeakMap<object, EngineResult>()

  const writeResult: Plugin<object, { req: object }> = {
    // Yoga would replace bytes that are not UTF-8, and report errors in its own way.
    onRequestParse: ({ setRequestParser }) => setRequestParser(() => ({ query: '' })),
    onParams({ setParamsHandler }) {
      setParamsHandler(async ({ context }) => results.get((context as { req?: object }).req ?? {}) ?? { errors: [] })
    },
  }

  async function answer(
    params: Params,
    exchange: HttpExchange,
    acceptsEvents: boolean,
    early?: Context,
  ): Promise<EngineResult | EngineStream> {
    // First, because a caller who has no points left must not have documents parsed.
    const context = early ?? (await createContext(gatewayRequest(exchange, 'graphql')))
    exchange.response.payer = context.payer
    const prepared = prepare(params)
    if ('errors' in prepared) return refused(prepared.errors)
    const kind = prepared.operation.operation
    if (kind === OperationTypeNode.MUTATION && exchange.method !== 'POST')
      throw new AppError('METHOD_NOT_ALLOWED', 'Send mutations with POST.', { headers: { Allow: 'POST' } })
    const isSubscription = kind === OperationTypeNode.SUBSCRIPTION
    if (isSubscription && exchange.method === 'HEAD')
      throw new AppError('METHOD_NOT_ALLOWED', 'Open a stream with GET or POST.', { headers: { Allow: 'GET, POST' } })
    if (isSubscription && !acceptsEvents)
      throw new AppError('NOT_ACCEPTABLE', `Subscriptions need the header Accept: ${SSE_TYPE}, or a websocket.`)
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
    if (response.observation) response.observation.protocol = 'sse'
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

  const acceptsFiles = Object.values(engine.schema.getTypeMap()).some((type) => isUpload(type))
  const isForm = ({ request: { headers } }: HttpExchange) =>
    acceptsFiles && /^multipart\/form-data\b/i.test(headers['content-type'] ?? '')

  /**
   * Runs a request with files, which needs a credential: a browser asks before it sends one to
   * another origin, unlike a form.
   */
  async function answerForm(exchange: HttpExchange, acceptsEvents: boolean): Promise<EngineResult | EngineStream> {
    exchange.response.lingers = true
    const context = await createContext(gatewayRequest(exchange, 'graphql'))
    exchange.response.payer = context.payer
    if (context.principal === null) throw unauthenticated(context.credentialProblem)
    const { params, close } = await readFileRequest(exchange)
    try {
      return await answer(params, exchange, acceptsEvents, context)
    } finally {
      close()
    }
  }

  const exchangeFacts = ({ requestId }: HttpExchange) => ({ requestId, log })

  /** Loads Yoga for the first request that needs it. Few servers see one. */
  async function loadYoga() {
    const { createYoga } = await import('graphql-yoga')
    return createYoga<{ req: object }>({
      schema: engine.schema,
      graphqlEndpoint: options.path,
      plugins: [writeResult],
      // The HTTP entry handles these: body limit, CORS, health. GraphQL accepts no uploads.
      maxRequestBodySize: false,
      cors: false,
      multipart: false,
      landingPage: false,
      graphiql: false,
      batching: false,
      logging: false,
      maskedErrors: false,
    })
  }
  let yoga: ReturnType<typeof loadYoga> | undefined

  return async (exchange) => {
    const { request, response, method } = exchange
    exchange.failWith((error, otherwise) => (canAnswer(exchange) ? sendErrors(exchange, error) : otherwise(error)))
    if (method === 'OPTIONS') return void response.writeHead(204, { Allow: ALLOWED }).end()
    if (!METHODS.includes(method)) {
      const headers = { Allow: ALLOWED }
      throw new AppError('METHOD_NOT_ALLOWED', `GraphQL supports ${ALLOWED}, not ${method}.`, { headers })
    }
    const acceptsEvents = preferredType(request, [SSE_TYPE]) !== undefined
    const type = negotiate(exchange)
    requirePercentEncoded(exchange.query, 'The query string')
    response.setHeader('Cache-Control', method === 'POST' ? 'no-store' : 'private, no-cache')
    if (method !== 'POST') response.setHeader('Vary', 'Accept, Authorization, X-API-Key, Origin')
    if (type === 'text/html') return page.send(exchange)
    const result =
      method === 'POST' && isForm(exchange)
        ? await answerForm(exchange, acceptsEvents)
        : await answer(await readRequest(exchange), exchange, acceptsEvents)
    if (isStream(result)) return serveEvents(exchange, result, EVENT_FORM)
    response.observation?.failed(result.errors)
    if (isJsonType(type)) return sendResult(exchange, type, result)
    if (type === SSE_TYPE) return sendEvent(exchange, EVENT_FORM, result)
    results.set(request, result)
    request.headers.accept = type
    yoga ??= loadYoga()
    await (await yoga)(request, response)
  }

  function sendErrors(exchange: HttpExchange, cause: unknown): void {
    const { request, response } = exchange
    const error = toClientError(cause, exchangeFacts(exchange))
    response.observation?.failed([error])
    const status = cause instanceof AppError ? cause.status : 500
    const headers = cause instanceof AppError ? cause.headers : {}
    const type = preferredType(request, JSON_TYPES) ?? 'application/graphql-response+json'
    response.setHeader('Cache-Control', 'no-store')
    response.writeHead(status, { ...headers, 'Content-Type': `${type}; charset=utf-8` })
    response.end(JSON.stringify({ errors: [error] }))
  }
}

const canAnswer = ({ request, response }: HttpExchange) =>
  !response.headersSent && !request.errored && !request.socket.writableEnded && !request.socket.destroyed

const METHODS = ['GET', 'HEAD', 'POST']
const ALLOWED = [...METHODS, 'OPTIONS'].join(', ')

/** Result formats for clients that do not accept JSON. */
const STREAM_TYPES = [SSE_TYPE, 'multipart/mixed'] as const

/**
 * Returns the media type of the answer. Throws NOT_ACCEPTABLE before anything has run. Clients
 * that prefer HTML get GraphiQL.
 */
function negotiate({ request, method }: HttpExchange): string {
  const types = method !== 'POST' ? ([...JSON_TYPES, 'text/html'] as const) : JSON_TYPES
  const type = preferredType(request, types) ?? preferredType(request, STREAM_TYPES)
  if (type !== undefined) return type
  const offered = [...types, ...STREAM_TYPES].join(', ')
  throw new AppError('NOT_ACCEPTABLE', `This endpoint sends ${offered}, not ${request.headers.accept}.`)
}

async function readRequest(exchange: HttpExchange): Promise<Params> {
  return exchange.method === 'POST' ? readParams(await readBody(exchange)) : readQuery(exchange.query)
}

/**
 * Accepts only JSON: a browser form can send other types across origins without
 * a preflight request.
 */
async function readBody(exchange: HttpExchange): Promise<unknown> {
  const type = mediaTypeOf(exchange.request.headers['content-type'])
  if (type === 'application/json' || type === 'application/graphql+json') return decodeJson(await exchange.body())
  throw notJson(type)
}
