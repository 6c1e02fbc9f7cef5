import type { SignInGuard } from '../auth/attempts.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import type { CredentialWatch } from '../auth/credential-watch.ts'
import type { AccessTokens } from '../auth/tokens.ts'
import type { Viewer } from '../auth/viewer.ts'
import type { Database } from '../database/client.ts'
import type { EventHub } from '../events/hub.ts'
import type { ALL_TOPICS, Topics } from '../events/subscription.ts'
import type { EventTail } from '../events/tail.ts'
import type { GatewayConnection, GatewayContext, GatewayLog } from '../gateway/gateway-context.ts'
import type { Payer } from '../gateway/limits/rate-limit.ts'
import type { OutboundHttp } from '../outbound/http.ts'
import type { Grants } from './access.ts'
import type { FileStorage } from './files.ts'

/** Everything that resolvers and services get. Created for each operation and each event. */
export interface Context extends GatewayContext {
  viewer: Viewer | null
  /** The reason why there is no viewer although a credential was sent. */
  credentialProblem: string | null
  request: RequestFacts
  services: Services
  db: Database
  /** Batched loads by their declaration: see `defineLoader`. */
  loaders?: Map<object, unknown> | undefined
  /** Records the rights that the operation uses, if its answer will be stored. */
  grants?: Grants | undefined
  /** Returns a context of the same request that works in a transaction. */
  within(db: Database): Context
}

/** Facts about the request that services may use. */
export interface RequestFacts {
  remoteAddress: string
  userAgent: string | null
  /** Time of arrival, by `performance.now()`. */
  arrivedAt: number
  /** The websocket on which the request arrived, if any. */
  connection: GatewayConnection | undefined
}

/** How much a user or a project can have of something. */
export type Quotas = Readonly<
  Record<
    | 'MAX_PROJECTS_PER_USER'
    | 'MAX_API_KEYS_PER_USER'
    | 'MAX_SESSIONS_PER_USER'
    | 'MAX_LABELS_PER_PROJECT'
    | 'MAX_MEMBERS_PER_PROJECT'
    | 'MAX_SAVED_FILTERS_PER_USER',
    number
  >
>

/** How large files can be together, in bytes. */
export type FileLimits = Readonly<Record<'ATTACHMENTS_PROJECT_LIMIT' | 'ATTACHMENTS_LIMIT', number>>

/** Long-lived parts of the server. */
export interface Services {
  config: { REGISTRATION: 'open' | 'closed'; REFRESH_TOKEN_TTL: number; TRUSTED_PROXIES: number } & Quotas & FileLimits
  db: Database
  files: FileStorage
  tokens: AccessTokens
  guard: SignInGuard
  /** Absent if nothing is limited. */
  rates: RateAdmission | undefined
  tail: EventTail
  hub: EventHub
  access: AccessTracker
  searchLimit: SearchLimit
  credentialWatch: CredentialWatch
  authenticate: Authenticate
  outbound: OutboundHttp
  background: Background
  log: GatewayLog
}

/** Work that a request leaves behind. */
export interface Background {
  /** Starts the work. A failure is logged. */
  run(work: () => Promise<unknown>): void
}

/** Limits requests by what they cost. */
export interface RateAdmission {
  /** Takes the first point of a request. Throws RATE_LIMITED if none is left. */
  admit(viewer: Viewer | null, address: string): Payer
}

/**
 * Limits the different texts that the open streams of each user search for: each of them is looked
 * for in every event.
 */
export interface SearchLimit {
  /**
   * Counts the searches of one more stream and returns the function that releases them. Throws
   * RATE_LIMITED beyond the limit.
   */
  acquire(userId: string, searches: readonly string[]): () => void
}

/** Tracks which projects the users with open streams can see, updated from the event log. */
export interface AccessTracker {
  /** Starts watching a viewer. Call `release` when their stream ends. */
  watch(viewer: Viewer): Promise<ProjectAccess>
  /** Number of watched users. */
  readonly size: number
}

export interface ProjectAccess {
  sees(projectId: string): boolean
  /** The visible projects as topics to subscribe to. */
  topics: Topics | typeof ALL_TOPICS
  release(): void
}
