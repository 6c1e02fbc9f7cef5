import type { SignInGuard } from './auth/attempts.ts'
import type { AccessTokens } from './auth/tokens.ts'
import type { Config } from './config.ts'
import type { Database } from './database/client.ts'
import type { EventHub } from './events/hub.ts'
import type { EventTail } from './events/tail.ts'
import type {
  ContextFactory,
  GatewayConnection,
  GatewayContext,
  GatewayLog,
  GatewayRequest,
  Sharing,
} from './gateway/context.ts'
import { ENDLESS, type Lifetime } from './gateway/lifetime.ts'
import type { UserRole } from './generated/prisma/enums.ts'
import { once } from './idempotency.ts'
import type { Lifetimes } from './lifetimes.ts'
import type { ApiScope } from './modules/api-keys/scopes.ts'
import { createLoaders, type Loaders } from './modules/loaders.ts'
import type { AccessTracker } from './modules/projects/access.ts'
import { COMPARE, requireViewer } from './modules/users/policy.ts'
import type { Recognised } from './viewer.ts'

/** What a viewer came in with. Times are milliseconds since the epoch. */
export type Credential =
  | { kind: 'session'; id: string; expiresAt: number }
  | { kind: 'apiKey'; id: string; expiresAt: number | null }
  | { kind: 'external'; expiresAt: number }

/** Who is asking. */
export interface Viewer {
  id: string
  /** MEMBER for an ADMIN's API key that was not made for administration. */
  role: UserRole
  /** Where tasks go that name no project; null once that project is gone. */
  inboxId: string | null
  /** What an API key may; null for a person, who may all. */
  scopes: ReadonlySet<ApiScope> | null
  credential: Credential
}

/** What lives as long as the server. */
export interface Services {
  config: Pick<Config, 'REGISTRATION' | 'REFRESH_TOKEN_TTL' | 'TRUSTED_PROXIES'>
  db: Database
  tokens: AccessTokens
  guard: SignInGuard
  tail: EventTail
  hub: EventHub
  access: AccessTracker
  lifetimes: Lifetimes
  recognise: (request: Pick<GatewayRequest, 'headers' | 'ticket'>) => Promise<Recognised>
  log: GatewayLog
}

/** What a service may want to know of the request it works for. */
export interface RequestFacts {
  remoteAddress: string
  userAgent: string | null
  /** When it arrived, by `performance.now()`. */
  arrivedAt: number
  /** The websocket it came over, if it did. */
  connection: GatewayConnection | undefined
}

/** What a resolver gets. */
export interface Context extends GatewayContext {
  viewer: Viewer | null
  /** Why there is no viewer although a credential was sent. */
  credentialProblem: string | null
  request: RequestFacts
  services: Services
  db: Database
  loaders: Loaders
}

/** Longer names of clients are cut: they are shown, never compared. */
const MAX_USER_AGENT = 200

export function createContextFactory(services: Services): ContextFactory<Context> {
  return async (request) => {
    const { viewer, problem } = await services.recognise(request)
    const { requestId, arrivedAt, connection } = request
    const remoteAddress = clientAddress(request, services.config.TRUSTED_PROXIES)
    const userAgent = request.headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? null
    return makeContext({
      requestId,
      viewer,
      credentialProblem: problem,
      request: { remoteAddress, userAgent, arrivedAt, connection },
      services,
      log: childLog(services.log, requestId),
    })
  }
}

/**
 * The address limits are counted for. Each trusted proxy adds the address it was called from at the end of
 * `X-Forwarded-For`; what stands further left is what the client claims.
 */
function clientAddress({ headers, remoteAddress }: GatewayRequest, trustedProxies: number): string {
  const forwarded = headers['x-forwarded-for']
  if (trustedProxies === 0 || forwarded === undefined) return remoteAddress
  const addresses = String(forwarded)
    .split(',')
    .map((address) => address.trim())
  return addresses.at(-trustedProxies) || remoteAddress
}

type Facts = Pick<Context, 'requestId' | 'viewer' | 'credentialProblem' | 'request' | 'services' | 'log'>

/** What decides over an answer besides what is the viewer's alone. */
function accessOf({ role, scopes }: Viewer): string {
  return `${role} ${scopes ? [...scopes].sort().join(' ') : 'all'}`
}

/** The same facts, with a note of what of them other viewers of the same access do not share. */
function traced(facts: Facts, viewer: Viewer) {
  let personal = false
  const comparedWith = new Set<string>()
  const compare = (id: string) => {
    comparedWith.add(id)
    return id === viewer.id
  }
  const noticing = <Source extends object>(source: Source, shared: Readonly<Record<PropertyKey, unknown>>): Source =>
    new Proxy(source, {
      get(_target, name) {
        if (name in shared) return shared[name]
        personal = true
        return source[name as keyof Source]
      },
    })
  const { role, scopes } = viewer
  const watched: Facts = {
    ...facts,
    viewer: noticing(viewer, { role, scopes, [COMPARE]: compare }),
    request: noticing(facts.request, {}),
  }
  const suits = (other: Context) =>
    !personal && !comparedWith.has(viewer.id) && other.viewer !== null && !comparedWith.has(other.viewer.id)
  return { facts: watched, suits }
}

function sharingOf(facts: Facts, viewer: Viewer): Sharing<Context> {
  return {
    access: accessOf(viewer),
    fork() {
      const { facts: watched, suits } = traced(facts, viewer)
      return { context: makeContext(watched), suits }
    },
  }
}

function makeContext(facts: Facts, db: Database = facts.services.db): Context {
  const { tail, lifetimes } = facts.services
  return {
    ...facts,
    get principal() {
      return facts.viewer?.id ?? null
    },
    get sharing() {
      return facts.viewer ? sharingOf(facts, facts.viewer) : undefined
    },
    db,
    loaders: createLoaders(db, facts.viewer),
    fork: () => makeContext(facts),
    async once(request, run) {
      return once({ db, viewer: requireViewer(facts) }, request, (tx) => makeContext(facts, tx), run)
    },
    afterWrite: () => tail.wake(),
    openLifetime: () =>
      sharedLifetime(facts.request.connection) ?? lifetimes.open(facts.viewer, facts.request.arrivedAt),
  }
}

/** What runs on a websocket lasts as long as the websocket may, which renewing its token moves. */
function sharedLifetime(connection: GatewayConnection | undefined): Lifetime | undefined {
  if (!connection || connection.lifetime === ENDLESS) return undefined
  const { lifetime } = connection
  return { onEnd: (listener) => lifetime.onEnd(listener), extend: () => undefined, close: () => undefined }
}

function childLog(log: GatewayLog, requestId: string): GatewayLog {
  const add = (details: object) => ({ requestId, ...details })
  return {
    debug: (details, message) => log.debug(add(details), message),
    info: (details, message) => log.info(add(details), message),
    warn: (details, message) => log.warn(add(details), message),
    error: (details, message) => log.error(add(details), message),
  }
}
