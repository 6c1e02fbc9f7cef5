import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { REST_API, REST_BASE } from './api.ts'
import { createSignInGuard } from './auth/attempts.ts'
import { createExternalTokens, type ExternalTokens } from './auth/external-tokens.ts'
import { keptSecret } from './auth/secret.ts'
import { createAccessTokens } from './auth/tokens.ts'
import type { Config } from './config.ts'
import { createContextFactory } from './context.ts'
import { type Database, openDatabase } from './database/client.ts'
import { toAppError } from './database/errors.ts'
import { createHub } from './events/hub.ts'
import { createTail } from './events/tail.ts'
import type { GatewayLog } from './gateway/context.ts'
import { createEngine } from './gateway/engine.ts'
import { createGraphql } from './gateway/graphql.ts'
import { createHealth } from './gateway/health.ts'
import { createHttpEntry } from './gateway/http.ts'
import { createRest } from './gateway/rest/rest.ts'
import { attachWebsocket } from './gateway/websocket.ts'
import { landingPage } from './landing.ts'
import { createLifetimes } from './lifetimes.ts'
import { createAccessTracker } from './modules/projects/access.ts'
import { schema } from './schema.ts'
import { createRecogniser } from './viewer.ts'

export const GRAPHQL_PATH = '/graphql'

export interface RunningServer {
  /** Like http://127.0.0.1:4000, with the port that was really taken. */
  url: string
  /** The database it runs on: for seeds and tests. */
  db: Database
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
export async function startServer(config: Config, log: GatewayLog): Promise<RunningServer> {
  const inMemory = config.DATA_DIR === 'memory://'
  const database = await openDatabase({
    ...(config.DATABASE_URL && { url: config.DATABASE_URL }),
    dataDir: config.DATA_DIR,
    poolSize: config.DATABASE_POOL_SIZE,
    log,
  })
  try {
    const secret = config.JWT_SECRET ?? (await keptSecret(inMemory ? undefined : config.DATA_DIR))
    const tokens = createAccessTokens({ secret, lifetime: config.ACCESS_TOKEN_TTL })
    const tail = await createTail(database, { log })
    const hub = createHub(tail, database.db, { maxQueue: config.EVENT_QUEUE_SIZE })
    const createContext = createContextFactory({
      config,
      db: database.db,
      tokens,
      tail,
      hub,
      guard: createSignInGuard({ enabled: config.RATE_LIMIT === 'on' }),
      access: createAccessTracker(database.db, tail),
      lifetimes: createLifetimes(tail),
      recognise: createRecogniser({ db: database.db, tokens, external: externalTokens(config) }),
      log,
    })
    const engine = createEngine({ schema, translateError: toAppError })
    let stopping = false
    const graphql = createGraphql({
      engine,
      createContext,
      path: GRAPHQL_PATH,
      title: 'Taskwire',
      defaultQuery: DEFAULT_QUERY,
      log,
    })
    const rest = await createRest({ engine, createContext, ...REST_API })
    const handle = createHttpEntry({
      routes: {
        '/': landingPage,
        [GRAPHQL_PATH]: graphql,
        [`${REST_BASE}/*`]: rest,
        ...createHealth({ check: () => database.ping(), stopping: () => stopping }),
      },
      bodyLimit: config.BODY_LIMIT,
      corsOrigins: config.CORS_ORIGINS,
      log,
    })
    const server = createServer((request, response) => void handle(request, response))
    const websocket = attachWebsocket(server, {
      engine,
      createContext,
      path: GRAPHQL_PATH,
      origins: config.CORS_ORIGINS,
      maxSockets: config.WS_MAX_SOCKETS_PER_USER,
      maxOperations: config.WS_MAX_OPERATIONS_PER_SOCKET,
      maxMessage: config.BODY_LIMIT,
      log,
    })
    const url = await listen(server, config)

    const close = async () => {
      stopping = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // Streams first: an open one would keep its connection, and with it the server, for ever.
      hub.close()
      await websocket.close()
      server.closeIdleConnections()
      const impatient = setTimeout(() => server.closeAllConnections(), GRACE_MS)
      await closed
      clearTimeout(impatient)
      await tail.close()
      await database.close()
    }
    let closing: Promise<void> | undefined
    return {
      url,
      db: database.db,
      onFailure: (callback) => database.onFailure(callback),
      close() {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

function externalTokens({ JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE }: Config): ExternalTokens | undefined {
  if (!JWT_JWKS_URL || !JWT_ISSUER || !JWT_AUDIENCE) return undefined
  return createExternalTokens({ jwksUrl: JWT_JWKS_URL, issuer: JWT_ISSUER, audience: JWT_AUDIENCE })
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
