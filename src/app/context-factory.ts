import { clientAddress } from '../auth/client-address.ts'
import type { Viewer } from '../auth/viewer.ts'
import { type CredentialLifetime, ENDLESS } from '../gateway/credential-lifetime.ts'
import type { ContextFactory, GatewayConnection, GatewayLog, Sharing } from '../gateway/gateway-context.ts'
import type { Context, Services } from '../request/context.ts'
import { requireViewer } from '../request/viewer.ts'
import { once } from './idempotency.ts'
import { accessOf, type Facts, traceFacts } from './sharing.ts'

/** Longer User-Agent headers are truncated: they are only displayed. */
const MAX_USER_AGENT = 200

/** Returns the factory that authenticates a request and makes its context. */
export function createContextFactory(services: Services): ContextFactory<Context> {
  return async (request) => {
    const { viewer, problem } = await services.authenticate(request)
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

function makeContext(facts: Facts, db = facts.services.db): Context {
  const { tail } = facts.services
  return {
    ...facts,
    get principal() {
      return facts.viewer?.id ?? null
    },
    get sharing() {
      return facts.viewer ? sharingOf(facts, facts.viewer) : undefined
    },
    db,
    fork: () => makeContext(facts),
    async once(request, run) {
      return once({ db, viewer: requireViewer(facts) }, request, (tx) => makeContext(facts, tx), run)
    },
    afterWrite: (fields) => tail.wake({ keepsViewers: fields?.every(keepsViewers) ?? false }),
    openLifetime: () => sharedLifetime(facts.request.connection) ?? openLifetime(facts),
  }
}

/** Checks for an operation whose right does not reach users, sessions, API keys and projects. */
function keepsViewers({ extensions }: { extensions: unknown }): boolean {
  return (extensions as { keepsViewers?: boolean }).keepsViewers === true
}

function sharingOf(facts: Facts, viewer: Viewer): Sharing<Context> {
  return {
    access: accessOf(viewer),
    fork() {
      const traced = traceFacts(facts, viewer)
      return { context: makeContext(traced.facts), suits: traced.suits }
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

function childLog(log: GatewayLog, requestId: string): GatewayLog {
  const add = (details: object) => ({ requestId, ...details })
  return {
    debug: (details, message) => log.debug(add(details), message),
    info: (details, message) => log.info(add(details), message),
    warn: (details, message) => log.warn(add(details), message),
    error: (details, message) => log.error(add(details), message),
  }
}
