import FindMyWay from 'find-my-way'
import { preferredType } from '../accept.ts'
import type { ContextFactory, GatewayContext } from '../context.ts'
import type { Engine } from '../engine.ts'
import { AppError } from '../errors.ts'
import type { HttpExchange, HttpHandler } from '../http.ts'
import type { Places } from '../live/places.ts'
import { type Deprecation, deprecationOf, requireDates, tellDeprecations } from './deprecation.ts'
import { createExtraHandler, type ExtraRoute } from './extra.ts'
import { createRouteHandler, type RouteHandler } from './handler.ts'
import type { JsonSchema } from './json-schema.ts'
import { openApiDocument } from './openapi.ts'
import type { OpenApiInfo } from './openapi-operation.ts'
import { deriveRoutes } from './routes.ts'
import { createStreamHandler, streamRoutes } from './stream.ts'
import { restView } from './view.ts'

export interface RestOptions<Context extends GatewayContext> {
  engine: Engine
  createContext: ContextFactory<Context>
  /** What one principal may hold open at once. */
  places: Places
  /** Like `/api/v1`: no slash at the end. */
  basePath: string
  info: OpenApiInfo
  /** Routes that are no operation of JSON in, JSON out. */
  extra?: readonly ExtraRoute<Context>[]
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const JSON_TYPES = ['application/json', 'application/problem+json']
const STREAM_TYPES = ['text/event-stream']

interface Endpoint {
  handle: RouteHandler
  /** Media types it can answer with. */
  types: readonly string[]
  deprecation?: Deprecation | undefined
}

type Derived<Context extends GatewayContext> = Pick<RestOptions<Context>, 'engine' | 'basePath' | 'info' | 'extra'>

/** What REST makes of a schema, without serving it. */
async function derive<Context extends GatewayContext>({ engine, basePath, info, extra = [] }: Derived<Context>) {
  requireDates(engine.schema)
  const routes = await deriveRoutes(restView(engine.schema))
  const streams = streamRoutes(engine)
  return { routes, streams, document: openApiDocument({ engine, routes, streams, extra, basePath, info }) }
}

/** The OpenAPI document of the REST that a schema would be served as. */
export async function describeRest<Context extends GatewayContext>(options: Derived<Context>): Promise<JsonSchema> {
  return (await derive(options)).document
}

/** REST as derived from the schema: everything under the base path. */
export async function createRest<Context extends GatewayContext>(options: RestOptions<Context>): Promise<HttpHandler> {
  const { basePath } = options
  const { routes, streams, document } = await derive(options)
  const router = FindMyWay({ ignoreTrailingSlash: true, maxParamLength: 200 })
  const add = (method: (typeof METHODS)[number], path: string, endpoint: Endpoint) =>
    router.on(method, `${basePath}${path.replace(/\{(\w+)\}/g, ':$1')}`, () => undefined, endpoint)

  for (const route of routes) {
    const deprecation = deprecationOf(route.deprecable)
    add(route.method, route.path, { handle: createRouteHandler(route, options), types: JSON_TYPES, deprecation })
  }
  for (const route of streams) {
    const deprecation = deprecationOf(route.field)
    add('GET', route.path, { handle: createStreamHandler(route, options), types: STREAM_TYPES, deprecation })
  }
  for (const route of options.extra ?? []) {
    add(route.method, route.path, { handle: createExtraHandler(route, options.createContext), types: JSON_TYPES })
  }
  const text = JSON.stringify(document)
  const index = JSON.stringify({ openapi: `${basePath}/openapi.json` })
  add('GET', '', { handle: async ({ response }) => sendJson(response, index), types: JSON_TYPES })
  add('GET', '/openapi.json', { handle: async ({ response }) => sendJson(response, text), types: JSON_TYPES })

  return async (exchange) => {
    const { method, path, response } = exchange
    const found = find(method === 'HEAD' ? 'GET' : (method as 'GET'), path)
    if (found) {
      const { handle, types, deprecation } = found.store as Endpoint
      if (deprecation) tellDeprecations(response, [deprecation], basePath)
      requireAcceptable(exchange, types)
      return handle(exchange, found.params)
    }
    const allowed = allowedMethods(path)
    if (allowed.length === 0) throw new AppError('NOT_FOUND', `There is nothing at ${path}.`)
    const headers = { Allow: allowed.join(', ') }
    if (method === 'OPTIONS') return void response.writeHead(204, headers).end()
    throw new AppError('METHOD_NOT_ALLOWED', `${path} answers ${headers.Allow}, not ${method}.`, { headers })
  }

  /** The router takes `/things//parts` for the parts of a thing without a name: there is no such place. */
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
  throw new AppError('NOT_ACCEPTABLE', `This answers ${types.join(' or ')}, not ${request.headers.accept}.`)
}

function sendJson(response: HttpExchange['response'], body: string): void {
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-cache' }).end(body)
}
