import type { IncomingHttpHeaders } from 'node:http'

/** What a transport knows of a request when it asks for a context. */
export interface GatewayRequest {
  requestId: string
  transport: 'graphql' | 'rest' | 'stream' | 'websocket'
  /** HTTP headers; on a websocket those of the upgrade, with what `connection_init` carried laid over them. */
  headers: IncomingHttpHeaders
  remoteAddress: string
}

/** What the gateway itself needs of a context; the rest is the application's business. */
export interface GatewayContext {
  requestId: string
  /** Whom limits are counted for; null where nobody is signed in. */
  principal: string | null
  log: GatewayLog
  /** The same viewer with fresh caches: an open stream runs each event in its own. */
  fork(): this
  /** Called after an operation that may have written, whatever its outcome. */
  afterWrite(): void
}

export interface GatewayLog {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export type ContextFactory<Context extends GatewayContext> = (request: GatewayRequest) => Promise<Context>
