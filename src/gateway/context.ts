import type { IncomingHttpHeaders } from 'node:http'
import type { Lifetime } from './lifetime.ts'

/** What the operations of one websocket share. */
export interface GatewayConnection {
  /** The upgrade's headers with the credential of `connection_init`, or of a later renewal, laid over them. */
  headers: IncomingHttpHeaders
  /** How long its credential holds. */
  lifetime: Lifetime
}

/** What a transport knows of a request when it asks for a context. */
export interface GatewayRequest {
  requestId: string
  transport: 'graphql' | 'rest' | 'stream' | 'websocket'
  headers: IncomingHttpHeaders
  remoteAddress: string
  /** When it arrived, by `performance.now()`. */
  arrivedAt: number
  /** The `?ticket=` of a stream, for clients that cannot send headers. */
  ticket?: string
  /** The websocket it came over. */
  connection?: GatewayConnection
}

/** What the gateway itself needs of a context; the rest is the application's business. */
export interface GatewayContext {
  requestId: string
  /** Whom limits are counted for; null where nobody is signed in. */
  principal: string | null
  log: GatewayLog
  /** The same viewer with fresh caches: an open stream runs each event in its own. */
  fork(): this
  /**
   * Does what has a key of the client's once: in one transaction with a record of the answer, by which the same request is
   * answered from then on. CONFLICT while it is being done, IDEMPOTENCY_KEY_REUSED for another request with the key. An answer that is
   * not to be kept takes back all that was done for it.
   */
  once?<Answer>(request: KeyedRequest, run: (context: this) => Promise<Kept<Answer>>): Promise<Once<Answer>>
  /** Called after an operation that may have written, whatever its outcome. */
  afterWrite(): void
  /** Starts watching the credential behind this context, for as long as something stays open with it. */
  openLifetime(): Lifetime
}

/** A request as its key names it, and what it was. */
export interface KeyedRequest {
  key: string
  fingerprint: string
}

export interface Kept<Answer> {
  /** Is kept as JSON. */
  answer: Answer
  keep: boolean
}

export interface Once<Answer> {
  answer: Answer
  /** Whether the answer is of an earlier request. */
  replayed: boolean
}

export interface GatewayLog {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export type ContextFactory<Context extends GatewayContext> = (request: GatewayRequest) => Promise<Context>
