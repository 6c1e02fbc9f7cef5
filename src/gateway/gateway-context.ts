import type { IncomingHttpHeaders } from 'node:http'
import type { CredentialLifetime } from './credential-lifetime.ts'
import type { Payer } from './limits/rate-limit.ts'

/** State shared by the operations of one websocket. */
export interface GatewayConnection {
  /**
   * Headers of the upgrade request, with their credential replaced by that of `connection_init` or
   * of a later renewal.
   */
  headers: IncomingHttpHeaders
  /** Lifetime of the websocket's credential. */
  lifetime: CredentialLifetime
}

/** A request, as a transport describes it to the context factory. */
export interface GatewayRequest {
  requestId: string
  transport: 'graphql' | 'rest' | 'stream' | 'websocket'
  headers: IncomingHttpHeaders
  remoteAddress: string
  /** Time of arrival, by `performance.now()`. */
  arrivedAt: number
  /** `?ticket=` of a stream, for clients that cannot send headers. */
  ticket?: string
  /** The websocket it arrived on. */
  connection?: GatewayConnection
}

/** The part of a context that the gateway needs. Applications add their own. */
export interface GatewayContext {
  requestId: string
  /** Key for limits: the signed-in caller, or null if nobody is signed in. */
  principal: string | null
  log: GatewayLog
  /** Pays for the operations of this request. Absent if nothing is limited. */
  payer?: Payer | undefined
  /** Why the credential that was sent was rejected. */
  credentialProblem?: string | null
  /**
   * How results of subscriptions can be shared; absent if they cannot. If they can, sources pass
   * the same event object to every stream.
   */
  sharing?: Sharing<this> | undefined
  /**
   * Returns a context of the same viewer with fresh caches. Each event of a stream runs in its own.
   */
  fork(): this
  /**
   * Runs a request that has an idempotency key once, in one transaction with the record of its
   * answer. Later requests with the same key get that answer. Throws CONFLICT while the first is
   * running, and IDEMPOTENCY_KEY_REUSED if the key belongs to a different request. A failure rolls
   * everything back; after a temporary failure `run` is called again.
   */
  once?<Answer>(request: KeyedRequest, run: (context: this) => Promise<RunResult<Answer>>): Promise<OnceResult<Answer>>
  /**
   * Called when an operation is complete. Drops what was cached for it, which otherwise stays in
   * memory until the next full garbage collection.
   */
  release?(): void
  /**
   * Called after an operation that may have written, successful or not. `fields` are its root
   * fields, if it is an operation of the schema.
   */
  afterWrite(fields?: readonly { extensions: unknown }[]): void
  /**
   * Starts watching the credential behind this context, for as long as a stream or
   * websocket is open.
   */
  openLifetime(): CredentialLifetime
}

/** How the results of one subscription can be shared with others. */
export interface Sharing<Context> {
  /**
   * Equal for viewers with the same rights, who get the same results except for data of their own.
   */
  access: string
  /** Returns a fork that records which of the viewer's own data is read. */
  fork(): TracedFork<Context>
}

export interface TracedFork<Context> {
  context: Context
  /** Returns true if the other context would have had the same result. */
  suits(other: Context): boolean
}

/** A request with an idempotency key. */
export interface KeyedRequest {
  key: string
  fingerprint: string
  /**
   * True for more than one mutation: each may wait for rows of another request while
   * holding its own.
   */
  several: boolean
}

export interface RunResult<Answer> {
  /** Stored as JSON. */
  answer: Answer
  /** Errors as they were thrown. An answer with errors is not stored. */
  failures: readonly unknown[]
}

export interface OnceResult<Answer> {
  answer: Answer
  /** True if the answer was stored by an earlier request. */
  replayed: boolean
}

export interface GatewayLog {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export type ContextFactory<Context extends GatewayContext> = (request: GatewayRequest) => Promise<Context>
