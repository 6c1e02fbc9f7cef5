import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { REST_API, REST_BASE } from './api.ts'
import type { Config } from './config.ts'
import { type Context, createContextFactory } from './context.ts'
import type { Database } from './database/client.ts'
import { toAppError } from './database/errors.ts'
import type { ContextFactory, GatewayLog } from './gateway/context.ts'
import { createDocs } from './gateway/docs.ts'
import { createEngine, type Engine } from './gateway/engine.ts'
import { createGraphql } from './gateway/graphql.ts'
import { createHealth } from './gateway/health.ts'
import { createHttpEntry, type HttpHandler } from './gateway/http.ts'
import { createPlaces, type Places } from './gateway/live/places.ts'
import { createRest } from './gateway/rest/rest.ts'
import { answerUnreadable } from './gateway/unreadable.ts'
import { attachWebsocket } from './gateway/websocket.ts'
import { landingPage } from './landing.ts'
import { openConfiguredDatabase } from './open-database.ts'
import { schema } from './schema.ts'
import { type OpenServices, openServices } from './services.ts'

export const GRAPHQL_PATH = '/graphql'

export interface RunningServer {
  /** Like http://127.0.0.1:4000, with the port that was really taken. */
  url: string
  /** The database it runs on: for seeds and tests. */
  db: Database
  /** How many there are of what clients hold open: nothing, once they are gone. */
  held(): Record<'sockets' | 'streams' | 'topics' | 'groups' | 'viewers' | 'credentials', number>
  /** Calls back once when the embedded database dies: nothing will work any more, and only a new process can mend it. */
  onFailure(callback: (error: Error) => void): void
  /** Stops taking requests, ends streams and sockets so that clients reconnect elsewhere, and closes the database. */
  close(): Promise<void>
}

const DEFAULT_QUERY = `# Sign in, then put the token under "Headers": {"Authorization": "Bearer …"}
query Tasks {
  tasks(first: 10, orderBy: [{ field: PRIORITY, direction: DESC }]) {
    totalCount
    nodes { id title status priority project { key name } }
  }
}
`

/** Starts everything: database, migrations, event log, and all protocols on one port. */
export async function startServer(
  config: Config,
  log: GatewayLog,
  database = openConfiguredDatabase(config, log),
): Promise<RunningServer> {
  const opening = database.then((handle) => openServices(config, log, handle))
  const contexts = opening.then(({ services }) => createContextFactory(services))
  const createContext: ContextFactory<Context> = async (request) => {
    try {
      return await (await contexts)(request)
    } catch (error) {
      // Who asks is looked up in the database: without it the answer is the same as for anything else that needs it.
      throw toAppError(error) ?? error
    }
  }
  const engine = createEngine({ schema, translateError: toAppError })
  const places = createPlaces(config.WS_MAX_SOCKETS_PER_USER)
  // Worked out while the database opens: its own thread or process does that.
  const [open, rest] = await Promise.all([
    opening,
    createRest({ engine, createContext, places, ...REST_API }),
    contexts,
  ])
  try {
    return await serve({ config, log, engine, createContext, places, rest, open })
  } catch (error) {
    await open.close()
    throw error
  }
}

interface ServerParts {
  config: Config
  log: GatewayLog
  engine: Engine
  createContext: ContextFactory<Context>
  places: Places
  rest: HttpHandler
  open: OpenServices
}

async function serve({ config, log, engine, createContext, places, rest, open }: ServerParts): Promise<RunningServer> {
  const { database } = open
  let stopping = false
  const handle = createHttpEntry({
    routes: {
      '/': landingPage,
      [GRAPHQL_PATH]: createGraphql({
        engine,
        createContext,
        places,
        path: GRAPHQL_PATH,
        title: 'Taskwire',
        defaultQuery: DEFAULT_QUERY,
        log,
      }),
      [REST_BASE]: rest,
      [`${REST_BASE}/*`]: rest,
      ...createDocs({ title: 'Taskwire', openapiUrl: `${REST_BASE}/openapi.json`, graphqlUrl: GRAPHQL_PATH }),
      ...createHealth({ check: () => database.ping(), stopping: () => stopping, log }),
    },
    bodyLimit: config.BODY_LIMIT,
    largeBodyLimit: config.BULK_BODY_LIMIT,
    corsOrigins: config.CORS_ORIGINS,
    log,
  })
  const server = createServer(SERVER_OPTIONS, (request, response) => void handle(request, response))
  answerUnreadable(server)
  const websocket = attachWebsocket(server, {
    engine,
    createContext,
    path: GRAPHQL_PATH,
    origins: config.CORS_ORIGINS,
    places,
    maxOperations: config.WS_MAX_OPERATIONS_PER_SOCKET,
    maxMessage: config.BODY_LIMIT,
    log,
  })
  const url = await listen(server, config)

  async function close(): Promise<void> {
    stopping = true
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // Streams first: an open one would keep its connection, and with it the server, for ever.
    open.endStreams()
    await websocket.close()
    server.closeIdleConnections()
    const impatient = setTimeout(() => server.closeAllConnections(), GRACE_MS)
    await closed
    clearTimeout(impatient)
    await open.close()
  }

  let closing: Promise<void> | undefined
  return {
    url,
    db: database.db,
    held: () => ({ ...open.held(), sockets: websocket.size, groups: engine.groups }),
    onFailure: (callback) => database.onFailure(callback),
    close() {
      closing ??= close()
      return closing
    },
  }
}

const SERVER_OPTIONS = {
  // Node drops all but the first of several Authorization headers; joined, they are refused as unreadable.
  joinDuplicateHeaders: true,
  // The entry sees to it, and says so.
  requireHostHeader: false,
  // Any other offer (curl and Java make one of h2c) is left unanswered, and the request served as it is.
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
}

/** How long running requests may take once the server is asked to stop. */
const GRACE_MS = 5_000

async function listen(server: Server, { HOST, PORT }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(PORT, HOST, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  const host = HOST.includes(':') ? `[${HOST}]` : HOST === '0.0.0.0' ? '127.0.0.1' : HOST
  return `http://${host}:${port}`
}
