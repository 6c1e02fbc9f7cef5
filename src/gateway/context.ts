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
  /** Why nobody is signed in although a credential was sent. */
  credentialProblem?: string | null
  /** By what answers to subscriptions may be shared; absent where each is its own. Sources then hand one object for an event to all. */
  sharing?: Sharing<this> | undefined
  /** The same viewer with fresh caches: an open stream runs each event in its own. */
  fork(): this
  /**
   * Does what has a key of the client's once: in one transaction with a record of the answer, by which the same request is
   * answered from then on. CONFLICT while it is being done, IDEMPOTENCY_KEY_REUSED for another request with the key. A failure takes
   * back all that was done, and `run` is called again where it is one of the moment.
   */
  once?<Answer>(request: KeyedRequest, run: (context: this) => Promise<Kept<Answer>>): Promise<Once<Answer>>
  /** Called after an operation that may have written, whatever its outcome. */
  afterWrite(): void
  /** Starts watching the credential behind this context, for as long as something stays open with it. */
  openLifetime(): Lifetime
}

/** How the results of one subscription are those of others. */
export interface Sharing<Context> {
  /** The same for viewers to whom everything is the same but what is theirs alone. */
  access: string
  /** A fork that notices what of the viewer's own is looked at. */
  fork(): TracedFork<Context>
}

export interface TracedFork<Context> {
  context: Context
  /** Whether what came of it is what would have come of another context of the same access. */
  suits(other: Context): boolean
}

/** A request as its key names it, and what it was. */
export interface KeyedRequest {
  key: string
  fingerprint: string
  /** Whether it is several mutations, each of which may wait for what another request holds while it holds what the earlier ones took. */
  several: boolean
}

export interface Kept<Answer> {
  /** Is kept as JSON. */
  answer: Answer
  /** What went wrong, as it was thrown. Where there is anything the answer is not kept. */
  failures: readonly unknown[]
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
