import FindMyWay from 'find-my-way'
import type { Engine } from '../engine.ts'
import { AppError } from '../errors.ts'
import type { ContextFactory, GatewayContext } from '../gateway-context.ts'
import { preferredType } from '../http/accept.ts'
import { createAsset } from '../http/assets.ts'
import type { HttpExchange, HttpHandler } from '../http/exchange.ts'
import type { ConnectionLimit } from '../limits/connection-limit.ts'
import type { DownloadOptions } from '../operation.ts'
import { createContentHandler } from './content.ts'
import { type Deprecation, deprecationOf, sendDeprecations } from './deprecation.ts'
import { createDownloadHandler } from './download.ts'
import { createExtraHandler, type ExtraRoute } from './extra.ts'
import { createRouteHandler, type RouteHandler } from './handler.ts'
import type { Route } from './routes.ts'
import { createStreamHandler, type StreamRoute } from './stream.ts'

export interface RestRouterOptions<Context extends GatewayContext> {
  engine: Engine
  createContext: ContextFactory<Context>
  connectionLimit: ConnectionLimit
  basePath: string
  routes: readonly Route[]
  streams: readonly StreamRoute[]
  extra?: readonly ExtraRoute<Context>[] | undefined
  /** Returns the OpenAPI document that describes all of them, as JSON. */
  document: () => Promise<string>
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const JSON_TYPES = ['application/json', 'application/problem+json']
const STREAM_TYPES = ['text/event-stream']

const typesOf = ({ types }: DownloadOptions) => [...types, 'application/problem+json']

interface Endpoint {
  handle: RouteHandler
  /** Media types it can send; any if it depends. */
  types: readonly string[] | undefined
  /** The field of the schema that it runs. */
  operation?: string
  deprecation?: Deprecation | undefined
}

/**
 * Routes the requests under the base path to the handlers of operations, streams and extra routes.
 */
export function createRestRouter<Context extends GatewayContext>(options: RestRouterOptions<Context>): HttpHandler {
  const { basePath, routes, streams, document } = options
  const router = FindMyWay({ ignoreTrailingSlash: true, maxParamLength: 200 })
  const add = (method: (typeof METHODS)[number], path: string, endpoint: Endpoint) =>
    router.on(method, `${basePath}${path.replace(/\{(\w+)\}/g, ':$1')}`, () => undefined, endpoint)

  for (const route of routes) {
    const deprecation = deprecationOf(route.deprecable)
    const { download, content } = route.rest
    const handle = download ? createDownloadHandler(route, options) : createRouteHandler(route, options)
    const operation = route.fieldName
    add(route.method, route.path, { handle, types: download ? typesOf(download) : JSON_TYPES, operation, deprecation })
    // Its aliases have the same.
    if (!content || route.operationId !== route.fieldName) continue
    const sending = createContentHandler(route, content, options)
    add('GET', content.path, { handle: sending, types: undefined, operation, deprecation })
  }
  for (const route of streams) {
    const deprecation = deprecationOf(route.field)
    const handle = createStreamHandler(route, options)
    add('GET', route.path, { handle, types: STREAM_TYPES, operation: route.fieldName, deprecation })
  }
  for (const route of options.extra ?? []) {
    const { method, path, types = JSON_TYPES } = route
    add(method, path, { handle: createExtraHandler(route, options.createContext), types })
  }
  const index = JSON.stringify({ openapi: `${basePath}/openapi.json` })
  add('GET', '', { handle: async ({ response }) => sendJson(response, index), types: JSON_TYPES })
  const described = createAsset(async () => Buffer.from(await document()), {
    'Cache-Control': 'no-cache',
    'Content-Type': 'application/json; charset=utf-8',
  })
  add('GET', '/openapi.json', { handle: described.send, types: JSON_TYPES })

  return async (exchange) => {
    const { method, path, response } = exchange
    const found = find(method === 'HEAD' ? 'GET' : (method as 'GET'), path)
    if (found) {
      const { handle, types, operation, deprecation } = found.store as Endpoint
      if (response.observation) response.observation.operation = operation
      if (deprecation) sendDeprecations(response, [deprecation], basePath)
      if (types) requireAcceptable(exchange, types)
      return handle(exchange, found.params)
    }
    const allowed = allowedMethods(path)
    if (allowed.length === 0) throw new AppError('NOT_FOUND', `There is nothing at ${path}.`)
    const headers = { Allow: allowed.join(', ') }
    if (method === 'OPTIONS') return void response.writeHead(204, headers).end()
    throw new AppError('METHOD_NOT_ALLOWED', `${path} supports ${headers.Allow}, not ${method}.`, { headers })
  }

  /** Detects an empty segment. The router would match `/things//parts` with an empty id. */
  function find(method: (typeof METHODS)[number], path: string) {
    const found = router.find(method, path)
    return found && !Object.values(found.params).includes('') ? found : null
  }

  function allowedMethods(path: string): string[] {
    const found: string[] = METHODS.filter((method) => find(method, path))
    if (found.length === 0) return []
    return [...found, ...(found.includes('GET') ? ['HEAD'] : []), 'OPTIONS']
  }
}

function requireAcceptable({ request }: HttpExchange, types: readonly string[]): void {
  if (preferredType(request, types) !== undefined) return
  throw new AppError('NOT_ACCEPTABLE', `This endpoint sends ${types.join(' or ')}, not ${request.headers.accept}.`)
}

function sendJson(response: HttpExchange['response'], body: string): void {
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-cache' }).end(body)
}
