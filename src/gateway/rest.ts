import type { Engine } from './engine.ts'
import type { ContextFactory, GatewayContext } from './gateway-context.ts'
import type { HttpHandler } from './http/exchange.ts'
import type { ConnectionLimit } from './limits/connection-limit.ts'
import { openApiDocument } from './openapi/document.ts'
import type { JsonSchema } from './openapi/json-schema.ts'
import type { OpenApiInfo } from './openapi/operations.ts'
import { requireDates } from './rest/deprecation.ts'
import type { ExtraRoute } from './rest/extra.ts'
import { createRestRouter } from './rest/router.ts'
import { deriveRoutes } from './rest/routes.ts'
import { streamRoutes } from './rest/stream.ts'
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
}

type Derived<Context extends GatewayContext> = Pick<RestApi<Context>, 'engine' | 'basePath' | 'info' | 'extra'>

async function derive<Context extends GatewayContext>({ engine, basePath, info, extra = [] }: Derived<Context>) {
  requireDates(engine.schema)
  const routes = await deriveRoutes(restView(engine.schema))
  const streams = streamRoutes(engine.schema)
  return {
    routes,
    streams,
    document: openApiDocument({ schema: engine.schema, routes, streams, extra, basePath, info }),
  }
}

/** Returns the OpenAPI document of a schema's REST API, without serving it. */
export async function describeRest<Context extends GatewayContext>(api: Derived<Context>): Promise<JsonSchema> {
  return (await derive(api)).document
}

/** Serves a schema as REST: everything under the base path. */
export async function createRest<Context extends GatewayContext>(api: RestApi<Context>): Promise<HttpHandler> {
  return createRestRouter({ ...api, ...(await derive(api)) })
}
