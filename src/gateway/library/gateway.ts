import type { Server } from 'node:http'
import type { GraphQLSchema } from 'graphql'
import pino from 'pino'
import type { ErrorTranslator } from '../client-error.ts'
import { createGraphiql } from '../docs/graphiql.ts'
import { createDocs } from '../docs/pages.ts'
import { createEngine } from '../engine.ts'
import { AppError } from '../errors.ts'
import type { GatewayLog } from '../gateway-context.ts'
import { createPrepareRequest } from '../graphql/documents.ts'
import { createGraphql } from '../graphql/handler.ts'
import { createHealth } from '../health.ts'
import { acceptWaiting, drainConnections } from '../http/drain.ts'
import { createHttpEntry } from '../http/entry.ts'
import type { HttpHandler } from '../http/exchange.ts'
import { createHostRule } from '../http/hosts.ts'
import { createGatewayServer, listen } from '../http/server.ts'
import { createConnectionLimit } from '../limits/connection-limit.ts'
import type { JsonSchema } from '../openapi/json-schema.ts'
import type { OpenApiInfo } from '../openapi/operations.ts'
import { DEFAULT_ANSWER_LIMITS, requiresPrincipal } from '../operation.ts'
import type { ExtraRoute } from '../rest/extra.ts'
import { nameTwins } from '../rest/twins.ts'
import { createRest, describeRest } from '../rest.ts'
import type { PlainSocketHandler } from '../websocket/plain.ts'
import { attachWebsocket } from '../websocket/websocket.ts'
import { type Caller, type CallerContext, type ContextSource, createContexts } from './contexts.ts'
import { createLifetimes } from './lifetimes.ts'
import { costLimitsOf, DEFAULT_LIMITS, type GatewayLimits } from './limits.ts'
import { type StoredAnswers, storeInMemory } from './stored-answers.ts'

export interface GatewayOptions<Signed extends Caller, Own extends object> extends ContextSource<Signed, Own> {
  /** Each root field has a `rest` option (see pothos-plugin.ts), or the extension of that name. */
  schema: GraphQLSchema
  /** The head of the OpenAPI document. Fields that need a caller accept a Bearer token by default. */
  info: Pick<OpenApiInfo, 'title' | 'version'> & Partial<OpenApiInfo>
  /** Path of REST. */
  basePath?: string
  /** Path of GraphQL over HTTP, SSE and websocket. */
  graphqlPath?: string
  /** What GraphiQL shows first, each in a tab. */
  examples?: readonly { query: string; variables?: object }[]
  /** Routes under the base path that are not operations: uploads, downloads. In OpenAPI too. */
  extra?: readonly ExtraRoute<CallerContext<Signed> & Own>[]
  /** Anything else, by path, or by prefix as in `/static/*`. */
  routes?: Readonly<Record<string, HttpHandler>>
  /** Websockets with a protocol of their own, by path. GraphQL’s is at `graphqlPath`. */
  websockets?: Readonly<Record<string, PlainSocketHandler<CallerContext<Signed> & Own>>>
  /** Turns foreign errors that a client caused, like a unique constraint, into AppErrors. */
  translateError?: ErrorTranslator
  /** Origins whose pages may call; `*` for any. */
  corsOrigins?: readonly string[]
  /** Host names that the server is reached under. Default: any. */
  allowedHosts?: readonly string[]
  limits?: Partial<GatewayLimits>
  /** Maximum sizes in bytes of uploads, by the names that `file.open(name)` and `stream(name)` use. */
  streamLimits?: Readonly<Record<string, number>>
  /** Keeps answers by `Idempotency-Key`. Default: in memory. */
  answers?: StoredAnswers
  /** Rejects when the server cannot work, for `/readyz`. */
  check?: () => Promise<void>
  /** Default: JSON lines on standard output, warnings and errors only. */
  log?: GatewayLog
  /** Folder that keeps derived routes, for a faster start. */
  cache?: string
}

export interface Gateway {
  /** Not listening yet. */
  server: Server
  /** Listens and returns the URL. Port 0 takes a free one. */
  listen(options?: { port?: number; host?: string }): Promise<string>
  /** Returns the OpenAPI document. */
  openApi(): Promise<JsonSchema>
  /** Ends streams and websockets so that clients resume elsewhere, and answers running requests. */
  close(): Promise<void>
}

/** How long running requests may continue after a stop is requested, in milliseconds. */
const GRACE_MS = 4_000

const BEARER = { bearer: { type: 'http', scheme: 'bearer' } }

/** Serves a schema as GraphQL, REST with OpenAPI, and live streams, with pages to try them. */
export async function createGateway<Signed extends Caller = Caller, Own extends object = object>(
  options: GatewayOptions<Signed, Own>,
): Promise<Gateway> {
  const { basePath = '/api/v1', graphqlPath = '/graphql', extra, cache, corsOrigins = [] } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const log = options.log ?? pino({ level: 'warn', base: undefined })
  const schema = nameTwins(options.schema, basePath)
  const lifetimes = createLifetimes()
  const createContext = createContexts({ ...options, log, lifetimes, answers: options.answers ?? storeInMemory() })
  const engine = createEngine({
    schema,
    ...(options.translateError && { translateError: options.translateError }),
    limits: costLimitsOf(limits),
    answers: { ...DEFAULT_ANSWER_LIMITS, bytes: limits.answerLimit },
  })
  const connectionLimit = createConnectionLimit(limits.connectionLimit)
  const prepare = createPrepareRequest(engine, { trustedOnly: false, persistedBytes: 8_388_608 })
  const hosts = createHostRule({ allowed: options.allowedHosts, setting: 'allowedHosts', log })
  const info = infoOf(options.info)
  const described = { engine, basePath, info, ...(extra && { extra }), ...(cache && { cache }) }
  const { title } = info
  const common = { engine, createContext, connectionLimit, prepare, path: graphqlPath, log }
  const examples = options.examples ?? [{ query: '{ __typename }' }]
  const graphiql = createGraphiql({ title, endpoint: graphqlPath, trustedOnly: false, examples })
  const rest = await createRest({ ...described, createContext, connectionLimit })
  let stopping = false
  let draining = false

  const handle = createHttpEntry({
    routes: {
      [basePath]: rest,
      [`${basePath}/*`]: rest,
      [graphqlPath]: createGraphql({ ...common, page: graphiql.page }),
      ...graphiql.routes,
      ...createDocs({ title, openapiUrl: `${basePath}/openapi.json`, graphqlUrl: graphqlPath }),
      ...createHealth({ check: options.check ?? (async () => undefined), stopping: () => stopping, log }),
      ...options.routes,
    },
    ...limits,
    translateError: options.translateError,
    ...(options.streamLimits && { streamLimits: options.streamLimits }),
    corsOrigins,
    hosts,
    compression: true,
    stopping: () => draining,
    log,
  })
  const timeouts = {
    headers: 10_000,
    body: Math.max(limits.bodyTimeout, limits.streamedBodyTimeout),
    keepAlive: 75_000,
    idle: Math.max(60_000, limits.requestTimeout + 5_000),
  }
  const server = createGatewayServer(handle, { timeouts, pipelined: 4 })
  const websocket = attachWebsocket(server, {
    ...common,
    plain: options.websockets,
    origins: corsOrigins,
    hosts,
    addressOf: ({ socket }) => socket.remoteAddress ?? '',
    maxPending: 1_000,
    maxAnonymous: limits.anonymousSocketLimit,
    maxOperations: 100,
    maxAnonymousOperations: 10,
    maxMessage: limits.bodyLimit,
    requestTimeout: limits.requestTimeout,
  })

  async function close(): Promise<void> {
    stopping = true
    await acceptWaiting(server)
    draining = true
    const drained = drainConnections(server, { graceMs: GRACE_MS })
    const sockets = websocket.close()
    lifetimes.endAll(new AppError('UNAVAILABLE', 'The server is stopping. Resume with the last cursor.'))
    await Promise.all([sockets, drained])
  }

  let closing: Promise<void> | undefined
  return {
    server,
    listen: ({ port = 4000, host = '127.0.0.1' } = {}) => listen(server, { port, host }),
    openApi: () => describeRest(described),
    close() {
      closing ??= close()
      return closing
    },
  }
}

function infoOf(info: GatewayOptions<Caller, object>['info']): OpenApiInfo {
  return {
    description: `${info.title}: every operation here also exists in GraphQL.`,
    securitySchemes: BEARER,
    security: (field) => (requiresPrincipal(field) ? [{ bearer: [] }] : [{}]),
    mayForbid: () => false,
    ...info,
  }
}
