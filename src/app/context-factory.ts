import { contextCacheSymbol } from '@pothos/core'
import { clientAddress } from '../auth/client-address.ts'
import type { Viewer } from '../auth/viewer.ts'
import type { Database } from '../database/client.ts'
import { type CredentialLifetime, ENDLESS } from '../gateway/credential-lifetime.ts'
import type {
  ContextFactory,
  GatewayConnection,
  GatewayLog,
  KeyedRequest,
  OnceResult,
  RunResult,
  Sharing,
} from '../gateway/gateway-context.ts'
import type { Payer } from '../gateway/limits/rate-limit.ts'
import { observed } from '../gateway/observation.ts'
import type { Context, RequestFacts, Services } from '../request/context.ts'
import { requireViewer } from '../request/viewer.ts'
import { once as runOnce } from './idempotency.ts'
import { accessOf, type Facts, traceFacts } from './sharing.ts'

/** Longer User-Agent headers are truncated: they are only displayed. */
const MAX_USER_AGENT = 200

/** Returns the factory that authenticates a request and makes its context. */
export function createContextFactory(services: Services): ContextFactory<Context> {
  const trustedProxies = services.config.TRUSTED_PROXIES
  let warns = trustedProxies === 0
  return async (request) => {
    const { viewer, problem } = await services.authenticate(request)
    const { requestId, arrivedAt, connection } = request
    const observation = observed()
    if (observation && viewer) observation.viewer = idsOf(viewer)
    const remoteAddress = clientAddress(request, trustedProxies)
    if (warns && request.headers['x-forwarded-for'] !== undefined) {
      warns = false
      services.log.warn({ requestId, remoteAddress }, UNTRUSTED_PROXY)
    }
    const userAgent = request.headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? null
    return new RequestContext({
      requestId,
      viewer,
      credentialProblem: problem,
      request: { remoteAddress, userAgent, arrivedAt, connection },
      services,
      log: new RequestLog(services.log, requestId),
      payer: services.rates?.admit(viewer, remoteAddress),
    })
  }
}

function idsOf({ id: userId, credential }: Viewer): Readonly<Record<string, string>> {
  return credential.kind === 'apiKey' ? { userId, apiKeyId: credential.id } : { userId }
}

const UNTRUSTED_PROXY =
  'a request has X-Forwarded-For, but TRUSTED_PROXIES is 0: behind a proxy all clients share the limits of its address'

/**
 * A class, because each object literal with an accessor has a hidden class of its own, which stays
 * in memory until the next full garbage collection, and what the accessor refers to with it.
 */
class RequestContext implements Context {
  readonly requestId: string
  readonly viewer: Viewer | null
  readonly credentialProblem: string | null
  readonly request: RequestFacts
  readonly services: Services
  readonly log: GatewayLog
  readonly payer: Payer | undefined
  readonly db: Database
  loaders: Context['loaders'] = undefined
  grants: Context['grants'] = undefined;
  [contextCacheSymbol]: object | undefined = {}

  constructor(facts: Facts, db = facts.services.db) {
    this.requestId = facts.requestId
    this.viewer = facts.viewer
    this.credentialProblem = facts.credentialProblem
    this.request = facts.request
    this.services = facts.services
    this.log = facts.log
    this.payer = facts.payer
    this.db = db
  }

  get principal() {
    return this.viewer?.id ?? null
  }

  get sharing(): Sharing<this> | undefined {
    return this.viewer ? (sharingOf(this, this.viewer) as Sharing<this>) : undefined
  }

  fork(): this {
    return new RequestContext(this) as this
  }

  within(db: Database): this {
    const context = new RequestContext(this, db)
    context.grants = this.grants
    return context as this
  }

  release(): void {
    // The values in Pothos's WeakMaps refer to the context, which keeps this key of them alive.
    this[contextCacheSymbol] = undefined
    this.loaders = undefined
  }

  once<Answer>(request: KeyedRequest, run: (context: this) => Promise<RunResult<Answer>>): Promise<OnceResult<Answer>> {
    return runOnce({ db: this.db, viewer: requireViewer(this) }, request, (tx) => this.within(tx), run)
  }

  afterWrite(fields?: readonly object[]): void {
    this.services.tail.wake({ keepsViewers: fields?.every(keepsViewers) ?? false })
  }

  openLifetime(): CredentialLifetime {
    return sharedLifetime(this.request.connection) ?? openLifetime(this)
  }
}

/** Checks for an operation whose right does not reach users, sessions, API keys and projects. */
function keepsViewers({ extensions }: { extensions?: unknown }): boolean {
  return (extensions as { keepsViewers?: boolean } | undefined)?.keepsViewers === true
}

function sharingOf(facts: Facts, viewer: Viewer): Sharing<Context> {
  return {
    access: accessOf(viewer),
    fork() {
      const traced = traceFacts(facts, viewer)
      return { context: new RequestContext(traced.facts), suits: traced.suits }
    },
  }
}

function openLifetime({ viewer, request, services }: Facts): CredentialLifetime {
  return viewer ? services.credentialWatch.open(viewer, request.arrivedAt) : ENDLESS
}

/** Operations on a websocket live as long as the websocket, which a renewed token extends. */
function sharedLifetime(connection: GatewayConnection | undefined): CredentialLifetime | undefined {
  if (!connection || connection.lifetime === ENDLESS) return undefined
  const { lifetime } = connection
  return { onEnd: (listener) => lifetime.onEnd(listener), extend: () => undefined, close: () => undefined }
}

/** Adds the request's id to each line. */
class RequestLog implements GatewayLog {
  readonly #log: GatewayLog
  readonly #requestId: string

  constructor(log: GatewayLog, requestId: string) {
    this.#log = log
    this.#requestId = requestId
  }

  debug(details: object, message: string): void {
    this.#log.debug({ requestId: this.#requestId, ...details }, message)
  }

  info(details: object, message: string): void {
    this.#log.info({ requestId: this.#requestId, ...details }, message)
  }

  warn(details: object, message: string): void {
    this.#log.warn({ requestId: this.#requestId, ...details }, message)
  }

  error(details: object, message: string): void {
    this.#log.error({ requestId: this.#requestId, ...details }, message)
  }
}
