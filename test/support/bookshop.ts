import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CredentialLifetime, ENDLESS } from '../../src/gateway/credential-lifetime.ts'
import { createGraphiql } from '../../src/gateway/docs/graphiql.ts'
import { createEngine } from '../../src/gateway/engine.ts'
import { AppError } from '../../src/gateway/errors.ts'
import type { GatewayRequest } from '../../src/gateway/gateway-context.ts'
import { createPrepareRequest } from '../../src/gateway/graphql/documents.ts'
import { createGraphql } from '../../src/gateway/graphql/handler.ts'
import { createHttpEntry, GatewayResponse } from '../../src/gateway/http/entry.ts'
import { createHostRule } from '../../src/gateway/http/hosts.ts'
import { createConnectionLimit } from '../../src/gateway/limits/connection-limit.ts'
import { createRest, describeRest } from '../../src/gateway/rest.ts'
import { attachWebsocket } from '../../src/gateway/websocket/websocket.ts'
import { type BookshopContext, bookshopSchema } from './bookshop-schema.ts'
import { Shop } from './bookshop-stock.ts'
import { holdTo } from './observed-answers.ts'
import { keepingLog } from './server.ts'

/** An `Authorization` header of requests whose lifetime ends while they run. */
export const ENDING = 'ending'

const ENDED: CredentialLifetime = {
  ...ENDLESS,
  onEnd(listener) {
    listener(new AppError('UNAVAILABLE', 'The server is stopping.'))
    return () => undefined
  },
}

/** Opens the shop on a free port, with REST under `/api/v1` and GraphQL at `/graphql`. */
export async function openBookshop() {
  const shop = new Shop()
  const log = keepingLog()
  const stored = new Map<string, StoredAnswer>()
  const engine = createEngine({ schema: bookshopSchema(shop) })
  const createContext = async (request: GatewayRequest): Promise<BookshopContext> => {
    const context = {
      requestId: request.requestId,
      principal: request.headers.authorization ?? null,
      request,
      log,
      afterWrite() {},
      openLifetime: () => (request.headers.authorization === ENDING ? ENDED : ENDLESS),
      once: remember(stored),
    }
    return { ...context, fork: () => ({ ...context, fork: () => never() }) } as BookshopContext
  }
  const connectionLimit = createConnectionLimit(10)
  const info = { title: 'Bookshop', version: '1', description: 'Books.', securitySchemes: {}, security: () => [{}] }
  const rest = await createRest({ engine, createContext, connectionLimit, basePath: '/api/v1', info })
  const prepare = createPrepareRequest(engine, { trustedOnly: false, persistedBytes: 10_000 })
  const graphiql = createGraphiql({
    title: 'Bookshop',
    endpoint: '/graphql',
    examples: [{ query: '{ shopName }' }],
    session: { key: 'bookshop.session', signInPage: '/' },
    trustedOnly: false,
  })
  const hosts = createHostRule({ allowed: undefined, setting: 'ALLOWED_HOSTS', log })
  const graphql = createGraphql({
    engine,
    createContext,
    connectionLimit,
    prepare,
    path: '/graphql',
    page: graphiql.page,
    log,
  })
  const handle = createHttpEntry({
    routes: { '/api/v1/*': rest, '/graphql': graphql, ...graphiql.routes },
    bodyLimit: 10_000,
    bodyTimeout: 30_000,
    requestTimeout: 30_000,
    stopping: () => false,
    largeBodyLimit: 50_000,
    corsOrigins: [],
    hosts,
    compression: true,
    log,
  })
  const server = createServer(
    { joinDuplicateHeaders: true, ServerResponse: GatewayResponse },
    (request, response) => void handle(request, response),
  )
  holdTo(server, await describeRest({ engine, basePath: '/api/v1', info }))
  const websocket = attachWebsocket(server, {
    engine,
    createContext,
    prepare,
    path: '/graphql',
    origins: [],
    hosts,
    connectionLimit,
    addressOf: ({ socket }) => socket.remoteAddress ?? '',
    maxPending: 100,
    maxAnonymous: 10,
    maxOperations: 10,
    maxAnonymousOperations: 5,
    maxMessage: 10_000,
    requestTimeout: 30_000,
    log,
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shop,
    log,
    /** Number of open connections. */
    connections: () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count))),
    async close() {
      await websocket.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface StoredAnswer {
  fingerprint: string
  /** Absent while the operation is running. */
  answer?: unknown
}

/** Stores answers by key in memory, the minimum that `Idempotency-Key` requires. */
function remember(stored: Map<string, StoredAnswer>): NonNullable<BookshopContext['once']> {
  return async function (this: BookshopContext, { key, fingerprint }, run) {
    const known = stored.get(key)
    if (known && known.fingerprint !== fingerprint) throw new AppError('IDEMPOTENCY_KEY_REUSED', 'The key is in use.')
    if (known && !('answer' in known)) throw new AppError('CONFLICT', 'The operation is still running.')
    if (known) return { answer: known.answer as never, replayed: true }
    stored.set(key, { fingerprint })
    const { answer, failures } = await run(this)
    if (failures.length === 0) stored.set(key, { fingerprint, answer })
    else stored.delete(key)
    return { answer, replayed: false }
  }
}

function never(): never {
  throw new Error('the context of an event must not be forked again')
}
