import type { IncomingHttpHeaders } from 'node:http'
import { LRUCache } from 'lru-cache'
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts'
import { readCredential } from './credentials.ts'
import type { ExternalTokens } from './external-tokens.ts'
import { isApiScope } from './scopes.ts'
import { type AccessTokens, hashToken } from './tokens.ts'
import type { Viewer } from './viewer.ts'
import type { CachedViewer, ViewerCache } from './viewer-cache.ts'

/** The viewer, or the reason why there is none although a credential was sent. */
export interface Authenticated {
  viewer: Viewer | null
  problem: string | null
}

/** Finds the viewer of a request from its headers or its stream ticket. */
export type Authenticate = (request: { headers: IncomingHttpHeaders; ticket?: string }) => Promise<Authenticated>

export interface AuthenticateOptions {
  db: Pick<PrismaClient, 'session' | 'apiKey' | 'identity' | 'user'>
  tokens: AccessTokens
  external: ExternalTokens | undefined
  viewers: ViewerCache
}

const USER = { id: true, role: true, inboxId: true } as const
const ENABLED = { disabledAt: null } as const
/** Precision of an API key's `lastUsedAt`, which saves a write on most requests. */
const LAST_USED_PRECISION_MS = 60_000

const ANONYMOUS: Authenticated = { viewer: null, problem: null }

/**
 * Creates the function that authenticates requests. Viewers are cached. A revocation takes effect
 * at once on this server, and within a second on others (viewer-cache.ts).
 */
export function createAuthenticate({ db, tokens, external, viewers }: AuthenticateOptions): Authenticate {
  /** When the use of each key was last stored, in milliseconds since the epoch. */
  const usesStored = new LRUCache<string, number>({ max: 10_000 })

  return async function authenticate({ headers, ticket }) {
    if (ticket !== undefined) {
      return resultOf(await byTicket(ticket), 'The stream ticket is invalid or has expired.')
    }
    const sent = readCredential(headers)
    switch (sent.kind) {
      case 'none':
        return ANONYMOUS
      case 'unreadable':
        return {
          viewer: null,
          problem: 'The credential is unreadable. Send exactly one, as `Authorization: Bearer …` or `X-API-Key`.',
        }
      case 'apiKey':
        return resultOf(await byApiKey({ hash: hashToken(sent.secret) }), 'The API key is invalid, expired or revoked.')
      case 'token':
        return resultOf(await byToken(sent.token), 'The access token is invalid or expired, or its session has ended.')
    }
  }

  async function byToken(token: string): Promise<Viewer | null> {
    const claims = tokens.verify(token)
    if (claims) return bySession(claims.userId, claims.sessionId, claims.expiresAt)
    return external ? byExternal(external, token) : null
  }

  async function bySession(userId: string, id: string, expiresAt: number): Promise<Viewer | null> {
    const found = await viewers.get(`session ${id}`, () => findSession(userId, id))
    if (found?.viewer.id !== userId) return null
    return { ...found.viewer, credential: { kind: 'session', id, expiresAt } }
  }

  async function findSession(userId: string, id: string): Promise<CachedViewer | null> {
    const session = await db.session.findUnique({
      where: { id, userId, revokedAt: null, expiresAt: { gt: new Date() }, user: ENABLED },
      select: { expiresAt: true, user: { select: USER } },
    })
    if (!session) return null
    const endsAt = session.expiresAt.getTime()
    const credential = { kind: 'session', id, expiresAt: endsAt } as const
    return { viewer: { ...session.user, scopes: null, credential }, endsAt }
  }

  async function byApiKey(which: { hash: Uint8Array<ArrayBuffer> } | { id: string }): Promise<Viewer | null> {
    const name = 'id' in which ? `key ${which.id}` : `secret ${Buffer.from(which.hash).toString('base64')}`
    const found = await viewers.get(name, () => findApiKey(which))
    if (!found) return null
    const { id } = found.viewer.credential as { id: string }
    const now = Date.now()
    if (now - (usesStored.get(id) ?? 0) > LAST_USED_PRECISION_MS) {
      usesStored.set(id, now)
      try {
        await db.apiKey.updateMany({ where: { id }, data: { lastUsedAt: new Date(now) } })
      } catch (error) {
        usesStored.delete(id)
        throw error
      }
    }
    return found.viewer
  }

  async function findApiKey(which: { hash: Uint8Array<ArrayBuffer> } | { id: string }): Promise<CachedViewer | null> {
    const key = await db.apiKey.findUnique({
      where: { ...which, revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }], user: ENABLED },
      select: { id: true, scopes: true, expiresAt: true, lastUsedAt: true, user: { select: USER } },
    })
    if (!key) return null
    if (key.lastUsedAt) usesStored.set(key.id, key.lastUsedAt.getTime())
    const scopes = new Set(key.scopes.filter(isApiScope))
    const expiresAt = key.expiresAt?.getTime() ?? null
    const credential = { kind: 'apiKey', id: key.id, expiresAt } as const
    const role = scopes.has('admin') ? key.user.role : 'MEMBER'
    return { viewer: { ...key.user, role, scopes, credential }, endsAt: expiresAt ?? Infinity }
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
      select: { user: { select: { ...USER, disabledAt: true } } },
    })
    const user =
      identity?.user ?? (verifiedEmail === undefined ? null : await linkByEmail(issuer, subject, verifiedEmail))
    if (!user || user.disabledAt) return null
    const { disabledAt: _, ...rest } = user
    return { ...rest, scopes: null, credential: { kind: 'external', expiresAt } }
  }

  /**
   * Links a subject seen for the first time to the account with its verified address. Later only
   * the subject counts.
   */
  async function linkByEmail(issuer: string, subject: string, email: string) {
    const user = await db.user.findUnique({ where: { email }, select: { ...USER, disabledAt: true } })
    if (!user || user.disabledAt) return null
    try {
      await db.identity.create({ data: { issuer, subject, userId: user.id } })
    } catch (error) {
      // A concurrent request has linked it.
      if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2002') throw error
    }
    return user
  }
}

function resultOf(viewer: Viewer | null, problem: string): Authenticated {
  return viewer ? { viewer, problem: null } : { viewer: null, problem }
}
