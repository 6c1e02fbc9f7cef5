import { bearerToken, hasCredential } from './auth/credentials.ts'
import type { AccessTokens } from './auth/tokens.ts'
import type { Config } from './config.ts'
import type { Database } from './database/client.ts'
import type { EventHub } from './events/hub.ts'
import type { EventTail } from './events/tail.ts'
import type { ContextFactory, GatewayContext, GatewayLog } from './gateway/context.ts'
import type { UserRole } from './generated/prisma/enums.ts'
import { createLoaders, type Loaders } from './modules/loaders.ts'
import type { AccessTracker } from './modules/projects/access.ts'

/** Who is asking. */
export interface Viewer {
  id: string
  role: UserRole
  sessionId: string
  /** Where tasks go that name no project; null once that project is gone. */
  inboxId: string | null
}

/** What lives as long as the server. */
export interface Services {
  config: Pick<Config, 'REGISTRATION' | 'REFRESH_TOKEN_TTL'>
  db: Database
  tokens: AccessTokens
  tail: EventTail
  hub: EventHub
  access: AccessTracker
  log: GatewayLog
}

/** What a resolver gets. */
export interface Context extends GatewayContext {
  viewer: Viewer | null
  /** Why there is no viewer although a credential was sent. */
  credentialProblem: string | null
  services: Services
  db: Database
  loaders: Loaders
}

export function createContextFactory(services: Services): ContextFactory<Context> {
  return async (request) => {
    const log = childLog(services.log, request.requestId)
    const viewer = await findViewer(services, bearerToken(request.headers))
    const refused = viewer === null && hasCredential(request.headers)
    const credentialProblem = refused
      ? 'The access token is not valid: it may have expired, or its session has ended.'
      : null
    return makeContext({ requestId: request.requestId, viewer, credentialProblem, services, log })
  }
}

function makeContext(facts: Pick<Context, 'requestId' | 'viewer' | 'credentialProblem' | 'services' | 'log'>): Context {
  const { db, tail } = facts.services
  return {
    ...facts,
    principal: facts.viewer?.id ?? null,
    db,
    loaders: createLoaders(db),
    fork: () => makeContext(facts),
    afterWrite: () => tail.wake(),
  }
}

/** The token's user, as long as its session is open and the account is not disabled. */
async function findViewer({ tokens, db }: Services, token: string | undefined): Promise<Viewer | null> {
  const claims = token === undefined ? undefined : tokens.verify(token)
  if (!claims) return null
  const session = await db.session.findUnique({
    where: { id: claims.sessionId, userId: claims.userId, revokedAt: null, user: { disabledAt: null } },
    select: { user: { select: { id: true, role: true, inboxId: true } } },
  })
  return session && { ...session.user, sessionId: claims.sessionId }
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
