import type { ContextFactory, GatewayContext } from '../context.ts'
import { gatewayRequest, type HttpExchange } from '../http.ts'
import type { RouteHandler } from './handler.ts'
import type { JsonSchema } from './json-schema.ts'

/** A route that is no operation of JSON in, JSON out: a form, an upload, a file. */
export interface ExtraRoute<Context> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  handle(call: ExtraCall<Context>): Promise<void>
  /** Its OpenAPI operation; `x-errors` lists the codes it answers as problem+json, and is taken out. */
  openapi: JsonSchema
}

export interface ExtraCall<Context> {
  exchange: HttpExchange
  params: Record<string, string | undefined>
  createContext(): Promise<Context>
}

export function createExtraHandler<Context extends GatewayContext>(
  route: ExtraRoute<Context>,
  createContext: ContextFactory<Context>,
): RouteHandler {
  return async (exchange, params) => {
    let context: Context | undefined
    try {
      await route.handle({
        exchange,
        params,
        async createContext() {
          context ??= await createContext(gatewayRequest(exchange, 'rest'))
          return context
        },
      })
    } finally {
      if (route.method !== 'GET') context?.afterWrite()
    }
  }
}
