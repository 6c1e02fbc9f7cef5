import type { ContextFactory, GatewayContext } from '../gateway-context.ts'
import { gatewayRequest, type HttpExchange } from '../http/exchange.ts'
import type { RouteHandler } from './handler.ts'

/** A route that is not an operation of the schema: a form, an upload, a file. */
export interface ExtraRoute<Context> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  /** Media types of its answers, errors apart. Default: JSON. */
  types?: readonly string[]
  handle(call: ExtraCall<Context>): Promise<void>
  /**
   * Its OpenAPI operation. `x-errors` lists the codes it sends as problem+json, and is removed
   * from the document.
   */
  openapi: Readonly<Record<string, unknown>>
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
          exchange.response.payer = context.payer
          return context
        },
      })
    } finally {
      if (route.method !== 'GET') context?.afterWrite()
    }
  }
}
