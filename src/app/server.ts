import { clientAddress, networkOf } from '../auth/client-address.ts'
import type { Config } from '../config.ts'
import type { Database } from '../database/client.ts'
import { toAppError } from '../database/errors.ts'
import { createGraphiql } from '../gateway/docs/graphiql.ts'
import { createDocs } from '../gateway/docs/pages.ts'
import { createEngine, type Engine } from '../gateway/engine.ts'
import type { ContextFactory, GatewayLog } from '../gateway/gateway-context.ts'
import { createPrepareRequest } from '../gateway/graphql/documents.ts'
import { createGraphql } from '../gateway/graphql/handler.ts'
import { createHealth } from '../gateway/health.ts'
import { acceptWaiting, drainConnections } from '../gateway/http/drain.ts'
import { createHttpEntry } from '../gateway/http/entry.ts'
import type { HttpHandler } from '../gateway/http/exchange.ts'
import { createHostRule } from '../gateway/http/hosts.ts'
import { createGatewayServer, listen } from '../gateway/http/server.ts'
import { type ConnectionLimit, createConnectionLimit } from '../gateway/limits/connection-limit.ts'
import type { Observer } from '../gateway/observation.ts'
import { createRest } from '../gateway/rest.ts'
import { loadTracing } from '../gateway/tracing.ts'
import { attachWebsocket } from '../gateway/websocket/websocket.ts'
import type { Context } from '../request/context.ts'
import { costLimits } from '../schema/complexity.ts'
import { allowedHosts } from './allowed-hosts.ts'
import { createContextFactory } from './context-factory.ts'
import { createServerMetrics, metricsPage } from './metrics.ts'
import { openConfiguredDatabase } from './open-database.ts'
import { EXAMPLES } from './pages/examples.ts'
import { type DemoAccount, SESSION_KEY } from './pages/page-data.ts'
import { createPages } from './pages/pages.ts'
import { REST_API, REST_BASE } from './rest-api.ts'
import { schema } from './schema.ts'
import { type OpenServices, openServices, type StartOptions } from './services.ts'
import { readTrustedDocuments } from './trusted-documents.ts'

export const GRAPHQL_PATH = '/graphql'

export interface RunningServer {
  /** The base URL, like http://127.0.0.1:4000, with the actual port. */
  url: string
  /** The server's database, for seeds and tests. */
  db: Database
  /** Counts what clients hold open. All are zero once the clients are gone. */
  openCounts(): Record<'sockets' | 'streams' | 'topics' | 'groups' | 'viewers' | 'credentials', number>
  /**
   * Calls back once if the embedded database dies. Every request fails from then on;
   * restart the process.
   */
  onFailure(callback: (error: Error) => void): void
  /**
   * Stops accepting requests, ends streams and sockets so that clients reconnect elsewhere, and
   * closes the database.
   */
  close(): Promise<void>
}

export interface ServerOptions extends StartOptions {
  /** Accounts that the pages offer to sign in with. */
  demo?: readonly DemoAccount[]
  /** Hears of every request, besides the metrics. */
  observe?: Observer
  /** How long an idle connection stays open when the server stops, in milliseconds. */
  idleMs?: number
}

/** Starts the database, migrations, event log and all protocols on one port. */
export async function startServer(
  config: Config,
  log: GatewayLog,
  database = openConfiguredDatabase(config, log),
  options: ServerOptions = {},
): Promise<RunningServer> {
  const opening = database.then((handle) => openServices(config, log, handle, options))
  const contexts = opening.then(({ services }) => createContextFactory(services))
  const createContext: ContextFactory<Context> = async (request) => {
    try {
      return await (await contexts)(request)
    } catch (error) {
      // Authentication reads the database. Translate its failures like those of any other query.
      throw toAppError(error) ?? error
    }
  }
  const engine = createEngine({ schema, translateError: toAppError, ...engineLimits(config) })
  const connectionLimit = createConnectionLimit(config.WS_MAX_SOCKETS_PER_USER)
  // Prepare REST while the database opens in its own thread or process.
  const [open, rest] = await Promise.all([
    opening,
    createRest({ engine, createContext, connectionLimit, ...REST_API }),
    contexts,
  ])
  try {
    await loadTracing()
    const documents = await readTrustedDocuments(config.TRUSTED_DOCUMENTS)
    return await serve({
      config,
      log,
      engine,
      createContext,
      connectionLimit,
      rest,
      documents,
      open,
      options,
    })
  } catch (error) {
    await open.close()
    throw error
  }
}

function engineLimits(config: Config) {
  return {
    documents: { bytes: config.DOCUMENT_LIMIT, aliases: config.ALIAS_LIMIT },
    limits: costLimits(config.COMPLEXITY_LIMIT, config.ROOT_FIELD_LIMIT),
    answers: { objects: config.ANSWER_OBJECT_LIMIT, bytes: config.ANSWER_LIMIT },
    maxValues: config.VALUE_LIMIT,
    introspection: config.INTROSPECTION === 'on',
  }
}

interface ServerParts {
  config: Config
  log: GatewayLog
  engine: Engine
  createContext: ContextFactory<Context>
  connectionLimit: ConnectionLimit
  rest: HttpHandler
  /** Trusted documents by hash. */
  documents: Readonly<Record<string, string>>
  open: OpenServices
  options: ServerOptions
}

async function serve({
  config,
  log,
  engine,
  createContext,
  connectionLimit,
  rest,
  documents,
  open,
  options: { demo = [], observe, idleMs },
}: ServerParts): Promise<RunningServer> {
  const { database } = open
  /** Readiness turns first, so that no new clients come. */
  let stopping = false
  let draining = false
  const prepare = createPrepareRequest(engine, {
    trusted: documents,
    trustedOnly: config.OPERATIONS === 'trusted',
    persistedBytes: config.PERSISTED_QUERIES_LIMIT,
  })
  const graphiql = createGraphiql({
    title: 'Taskwire',
    endpoint: GRAPHQL_PATH,
    examples: EXAMPLES,
    session: { key: SESSION_KEY, signInPage: '/' },
    trustedOnly: config.OPERATIONS === 'trusted',
  })
  const sockets = (): number => websocket.size
  const metrics = config.METRICS === 'on' ? await createServerMetrics(open, sockets) : undefined
  const observeAll = metrics ? both(metrics.observe, observe) : observe
  const names = allowedHosts(config)
  const hosts = createHostRule({ allowed: names, setting: 'ALLOWED_HOSTS', log })
  if (!names) log.info({}, 'Requests for any host name are accepted. ALLOWED_HOSTS limits them.')
  const handle = createHttpEntry({
    routes: {
      ...createPages({ demo, introspection: config.INTROSPECTION === 'on' }),
      [GRAPHQL_PATH]: createGraphql({
        engine,
        createContext,
        connectionLimit,
        prepare,
        path: GRAPHQL_PATH,
        page: graphiql.page,
        log,
      }),
      ...graphiql.routes,
      [REST_BASE]: rest,
      [`${REST_BASE}/*`]: rest,
      ...createDocs({ title: 'Taskwire', openapiUrl: `${REST_BASE}/openapi.json`, graphqlUrl: GRAPHQL_PATH }),
      ...createHealth({ check: () => database.ping(), stopping: () => stopping, log }),
      ...(metrics && { '/metrics': metricsPage(metrics, config) }),
    },
    bodyLimit: config.BODY_LIMIT,
    largeBodyLimit: config.BULK_BODY_LIMIT,
    streamLimits: { IMPORT_LIMIT: config.IMPORT_LIMIT, UPLOAD_LIMIT: config.UPLOAD_LIMIT },
    bodyTimeout: config.BODY_TIMEOUT,
    largeBodyTimeout: config.BULK_BODY_TIMEOUT,
    streamedBodyTimeout: config.UPLOAD_TIMEOUT,
    requestTimeout: config.REQUEST_TIMEOUT,
    stopping: () => draining,
    corsOrigins: config.CORS_ORIGINS,
    hosts,
    compression: config.COMPRESSION === 'on',
    translateError: toAppError,
    observe: observeAll,
    log,
  })
  const server = createGatewayServer(handle, {
    timeouts: {
      headers: config.HEADERS_TIMEOUT,
      body: Math.max(config.UPLOAD_TIMEOUT, config.BULK_BODY_TIMEOUT, config.BODY_TIMEOUT),
      keepAlive: config.KEEP_ALIVE_TIMEOUT,
      // A request that runs is no idle connection.
      idle: Math.max(config.IDLE_TIMEOUT, config.REQUEST_TIMEOUT + 5_000),
    },
    pipelined: config.PIPELINE_LIMIT,
  })
  const websocket = attachWebsocket(server, {
    engine,
    createContext,
    path: GRAPHQL_PATH,
    origins: config.CORS_ORIGINS,
    hosts,
    prepare,
    connectionLimit,
    addressOf: ({ headers, socket }) =>
      networkOf(clientAddress({ headers, remoteAddress: socket.remoteAddress ?? '' }, config.TRUSTED_PROXIES)),
    maxPending: config.WS_MAX_PENDING_SOCKETS,
    maxAnonymous: config.WS_MAX_ANONYMOUS_SOCKETS,
    maxOperations: config.WS_MAX_OPERATIONS_PER_SOCKET,
    maxAnonymousOperations: config.WS_MAX_ANONYMOUS_OPERATIONS,
    maxMessage: config.BODY_LIMIT,
    requestTimeout: config.REQUEST_TIMEOUT,
    observe: observeAll,
    log,
  })
  const url = await listen(server, { host: config.HOST, port: config.PORT })

  async function close(): Promise<void> {
    stopping = true
    await acceptWaiting(server)
    draining = true
    const drained = drainConnections(server, { graceMs: GRACE_MS, ...(idleMs !== undefined && { idleMs }) })
    // An open stream would keep its connection from ending.
    open.endStreams()
    await Promise.all([websocket.close(), drained])
    await open.close()
  }

  let closing: Promise<void> | undefined
  return {
    url,
    db: database.db,
    openCounts: () => ({ ...open.openCounts(), sockets: websocket.size, groups: engine.groups }),
    onFailure: (callback) => database.onFailure(callback),
    close() {
      closing ??= close()
      return closing
    },
  }
}

function both(first: Observer, second: Observer | undefined): Observer {
  if (!second) return first
  return (observation) => {
    first(observation)
    second(observation)
  }
}

/** How long running requests may continue after a stop is requested. */
const GRACE_MS = 4_000
