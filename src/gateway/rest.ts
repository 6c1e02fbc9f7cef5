import type { GraphQLSchema } from 'graphql'
import type { Engine } from './engine.ts'
import type { ContextFactory, GatewayContext } from './gateway-context.ts'
import type { HttpHandler } from './http/exchange.ts'
import type { ConnectionLimit } from './limits/connection-limit.ts'
import { openApiDocument } from './openapi/document.ts'
import type { JsonSchema } from './openapi/json-schema.ts'
import type { OpenApiInfo } from './openapi/operations.ts'
import { declaredErrors } from './openapi/responses.ts'
import { requireDates } from './rest/deprecation.ts'
import type { ExtraRoute } from './rest/extra.ts'
import { createRestRouter } from './rest/router.ts'
import { deriveRoutes, type Route } from './rest/routes.ts'
import { type StreamRoute, streamRoutes } from './rest/stream.ts'
import { restView } from './rest/view.ts'

export interface RestApi<Context extends GatewayContext> {
  engine: Engine
  createContext: ContextFactory<Context>
  connectionLimit: ConnectionLimit
  /** Like `/api/v1`, without a slash at the end. */
  basePath: string
  info: OpenApiInfo
  /** Routes that are not operations of the schema: forms, uploads, files. */
  extra?: readonly ExtraRoute<Context>[]
  /** Folder that keeps derived routes for the next start. */
  cache?: string
}

type Described<Context extends GatewayContext> = Pick<
  RestApi<Context>,
  'engine' | 'basePath' | 'info' | 'extra' | 'cache'
>

interface RouteTable {
  routes: readonly Route[]
  streams: readonly StreamRoute[]
}

/** Route tables of the schemas of this process, whose servers share them. */
const tables = new WeakMap<GraphQLSchema, RouteTable>()

async function routeTable(schema: GraphQLSchema, cache: string | undefined): Promise<RouteTable> {
  const table = tables.get(schema) ?? (await derive(schema, cache))
  tables.set(schema, table)
  return table
}

async function derive(schema: GraphQLSchema, cache: string | undefined): Promise<RouteTable> {
  requireDates(schema)
  const routes = await deriveRoutes(restView(schema), cache)
  // The document is printed on request. Reject unknown codes at start.
  for (const { field } of routes) declaredErrors(field)
  return { routes, streams: streamRoutes(schema) }
}

/** Returns the OpenAPI document of a schema's REST API, without serving it. */
export async function describeRest<Context extends GatewayContext>(api: Described<Context>): Promise<JsonSchema> {
  const { engine, basePath, info, extra = [], cache } = api
  const { schema } = engine
  return openApiDocument({ schema, ...(await routeTable(schema, cache)), extra, basePath, info })
}

/** Serves a schema as REST: everything under the base path. */
export async function createRest<Context extends GatewayContext>(api: RestApi<Context>): Promise<HttpHandler> {
  const table = await routeTable(api.engine.schema, api.cache)
  const document = () => describeRest(api).then(JSON.stringify)
  return createRestRouter({ ...api, ...table, document })
}
