import { readCredential } from './auth/credentials.ts'
import type { ExternalTokens } from './auth/external-tokens.ts'
import { type AccessTokens, hashToken } from './auth/tokens.ts'
import type { Viewer } from './context.ts'
import type { Database } from './database/client.ts'
import type { GatewayRequest } from './gateway/context.ts'
import { Prisma } from './generated/prisma/client.ts'
import { isApiScope } from './modules/api-keys/scopes.ts'

/** Who sent a request, or why nobody is signed in although it carried a credential. */
export interface Recognised {
  viewer: Viewer | null
  problem: string | null
}

export interface RecogniserParts {
  db: Database
  tokens: AccessTokens
  external: ExternalTokens | undefined
}

const USER = { id: true, role: true, inboxId: true } as const
const ENABLED = { disabledAt: null } as const
/** How exact `lastUsedAt` is: a write for every request would cost more than the answer. */
const LAST_USED_EVERY_MS = 60_000

const NOBODY: Recognised = { viewer: null, problem: null }

/** Finds the viewer of a request. Every look-up asks the database, so that a revocation holds from the next request on. */
export function createRecogniser({ db, tokens, external }: RecogniserParts) {
  return async function recognise(request: Pick<GatewayRequest, 'headers' | 'ticket'>): Promise<Recognised> {
    if (request.ticket !== undefined) {
      return known(await byTicket(request.ticket), 'The stream ticket is not valid: it may have expired.')
    }
    const sent = readCredential(request.headers)
    switch (sent.kind) {
      case 'none':
        return NOBODY
      case 'unreadable':
        return {
          viewer: null,
          problem: 'The credential cannot be read: send one, as `Authorization: Bearer …` or `X-API-Key`.',
        }
      case 'apiKey':
        return known(
          await byApiKey({ hash: hashToken(sent.secret) }),
          'The API key is not valid: it may have expired or been revoked.',
        )
      case 'token':
        return known(
          await byToken(sent.token),
          'The access token is not valid: it may have expired, or its session has ended.',
        )
    }
  }

  async function byToken(token: string): Promise<Viewer | null> {
    const claims = tokens.verify(token)
    if (claims) return bySession(claims.userId, claims.sessionId, claims.expiresAt)
    return external ? byExternal(external, token) : null
  }

  async function bySession(userId: string, id: string, expiresAt: number): Promise<Viewer | null> {
    const session = await db.session.findUnique({
      where: { id, userId, revokedAt: null, expiresAt: { gt: new Date() }, user: ENABLED },
      select: { user: { select: USER } },
    })
    return session && { ...session.user, scopes: null, credential: { kind: 'session', id, expiresAt } }
  }

  async function byApiKey(which: { hash: Uint8Array<ArrayBuffer> } | { id: string }): Promise<Viewer | null> {
    const now = new Date()
    const key = await db.apiKey.findUnique({
      where: { ...which, revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }], user: ENABLED },
      select: { id: true, scopes: true, expiresAt: true, lastUsedAt: true, user: { select: USER } },
    })
    if (!key) return null
    if (now.getTime() - (key.lastUsedAt?.getTime() ?? 0) > LAST_USED_EVERY_MS) {
      await db.apiKey.updateMany({ where: { id: key.id }, data: { lastUsedAt: now } })
    }
    const scopes = new Set(key.scopes.filter(isApiScope))
    const credential = { kind: 'apiKey', id: key.id, expiresAt: key.expiresAt?.getTime() ?? null } as const
    // An ADMIN's key may what ADMINs may only where it was made for that.
    return { ...key.user, role: scopes.has('admin') ? key.user.role : 'MEMBER', scopes, credential }
  }

  async function byTicket(ticket: string): Promise<Viewer | null> {
    const claims = tokens.verifyTicket(ticket)
    if (!claims || claims.credentialEndsAt <= Date.now()) return null
    if (claims.sessionId !== undefined) return bySession(claims.userId, claims.sessionId, claims.credentialEndsAt)
    return claims.apiKeyId === undefined ? null : byApiKey({ id: claims.apiKeyId })
  }

  async function byExternal(provider: ExternalTokens, token: string): Promise<Viewer | null> {
    const claims = await provider.verify(token)
    if (!claims) return null
    const { issuer, subject, verifiedEmail, expiresAt } = claims
    const identity = await db.identity.findUnique({
      where: { issuer_subject: { issuer, subject } },
      select: { user: { select: { ...USER, ...{ disabledAt: true } } } },
    })
    const user =
      identity?.user ?? (verifiedEmail === undefined ? null : await linkByEmail(issuer, subject, verifiedEmail))
    if (!user || user.disabledAt) return null
    const { disabledAt: _, ...rest } = user
    return { ...rest, scopes: null, credential: { kind: 'external', expiresAt } }
  }

  /** The first token of a subject finds its account by the address the provider verified; from then on the subject counts. */
  async function linkByEmail(issuer: string, subject: string, email: string) {
    const user = await db.user.findUnique({ where: { email }, select: { ...USER, disabledAt: true } })
    if (!user || user.disabledAt) return null
    try {
      await db.identity.create({ data: { issuer, subject, userId: user.id } })
    } catch (error) {
      // Another request linked it in the same moment.
      if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2002') throw error
    }
    return user
  }
}

function known(viewer: Viewer | null, problem: string): Recognised {
  return viewer ? { viewer, problem: null } : { viewer: null, problem }
}
