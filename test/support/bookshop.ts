import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { GatewayRequest } from '../../src/gateway/context.ts'
import { createEngine } from '../../src/gateway/engine.ts'
import { AppError } from '../../src/gateway/errors.ts'
import { createGraphql } from '../../src/gateway/graphql.ts'
import { createHttpEntry } from '../../src/gateway/http.ts'
import { ENDLESS } from '../../src/gateway/lifetime.ts'
import { createPlaces } from '../../src/gateway/live/places.ts'
import { createRest, describeRest } from '../../src/gateway/rest/rest.ts'
import { attachWebsocket } from '../../src/gateway/websocket.ts'
import { type BookshopContext, bookshopSchema } from './bookshop-schema.ts'
import { Shop } from './bookshop-stock.ts'
import { holdTo } from './observed-answers.ts'
import { keepingLog } from './server.ts'

/** Opens the shop on a free port: REST under `/api/v1`, GraphQL over HTTP and websocket at `/graphql`. */
export async function openBookshop() {
  const shop = new Shop()
  const log = keepingLog()
  const kept = new Map<string, Kept>()
  const engine = createEngine({ schema: bookshopSchema(shop) })
  const createContext = async (request: GatewayRequest): Promise<BookshopContext> => {
    const context = {
      requestId: request.requestId,
      principal: request.headers.authorization ?? null,
      request,
      log,
      afterWrite() {},
      openLifetime: () => ENDLESS,
      once: remember(kept),
    }
    return { ...context, fork: () => ({ ...context, fork: () => never() }) } as BookshopContext
  }
  const places = createPlaces(10)
  const info = { title: 'Bookshop', version: '1', description: 'Books.', securitySchemes: {}, security: () => [{}] }
  const rest = await createRest({ engine, createContext, places, basePath: '/api/v1', info })
  const graphql = createGraphql({
    engine,
    createContext,
    places,
    path: '/graphql',
    title: 'Bookshop',
    defaultQuery: '{ shopName }',
    log,
  })
  const handle = createHttpEntry({
    routes: { '/api/v1/*': rest, '/graphql': graphql },
    bodyLimit: 10_000,
    largeBodyLimit: 50_000,
    corsOrigins: [],
    log,
  })
  const server = createServer({ joinDuplicateHeaders: true }, (request, response) => void handle(request, response))
  holdTo(server, await describeRest({ engine, basePath: '/api/v1', info }))
  const limits = { maxOperations: 10, places, maxMessage: 10_000 }
  const websocket = attachWebsocket(server, { engine, createContext, path: '/graphql', origins: [], ...limits, log })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shop,
    log,
    /** Connections that are open now. */
    connections: () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count))),
    async close() {
      await websocket.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Kept {
  fingerprint: string
  /** Absent while it is being done. */
  answer?: unknown
}

/** Answers by key, in memory: the least that an application has to do for `Idempotency-Key`. */
function remember(kept: Map<string, Kept>): NonNullable<BookshopContext['once']> {
  return async function (this: BookshopContext, { key, fingerprint }, run) {
    const known = kept.get(key)
    if (known && known.fingerprint !== fingerprint) throw new AppError('IDEMPOTENCY_KEY_REUSED', 'That was another.')
    if (known && !('answer' in known)) throw new AppError('CONFLICT', 'It is being done.')
    if (known) return { answer: known.answer as never, replayed: true }
    kept.set(key, { fingerprint })
    const { answer, failures } = await run(this)
    if (failures.length === 0) kept.set(key, { fingerprint, answer })
    else kept.delete(key)
    return { answer, replayed: false }
  }
}

function never(): never {
  throw new Error('an event’s context is not forked again')
}
