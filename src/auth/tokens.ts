import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'

export interface AccessClaims {
  userId: string
  sessionId: string
  /** Milliseconds since the epoch. */
  expiresAt: number
}

/** The claims of a stream ticket: the credential it was created with. */
export interface TicketClaims {
  userId: string
  sessionId?: string
  apiKeyId?: string
  /** Expiry of that credential, in milliseconds since the epoch. */
  credentialEndsAt: number
}

export interface TokenOptions {
  /** The first signs, all verify. */
  secrets: readonly string[]
  /** Lifetime of an access token, in seconds. */
  lifetime: number
}

const ALGORITHM = 'HS256'
const ISSUER = 'taskwire'
const AUDIENCE = 'taskwire'
const TICKET_AUDIENCE = 'taskwire:stream'
/** Lifetime of a stream ticket, in seconds. */
export const TICKET_LIFETIME = 120
/** Maximum length of a token. Tokens of this server have about 300 characters. */
const MAX_LENGTH = 4096

export type AccessTokens = ReturnType<typeof createAccessTokens>

/**
 * Creates the signer and verifier of access tokens and stream tickets (JWT, RFC 7519, hardened by
 * RFC 8725).
 */
export function createAccessTokens({ secrets, lifetime }: TokenOptions) {
  // A key object keeps the library from parsing the secret as a PEM key of another algorithm.
  const keys = secrets.map((secret) => createSecretKey(Buffer.from(secret)))
  const [key] = keys
  if (!key) throw new Error('There must be a secret to sign tokens with.')
  const verified = new LRUCache<string, AccessClaims>({ max: 10_000 })

  return {
    lifetime,

    sign({ userId, sessionId }: Pick<AccessClaims, 'userId' | 'sessionId'>): string {
      return signed(key, { sid: sessionId }, userId, AUDIENCE, lifetime)
    },

    /** Returns the claims of a valid access token, or undefined. */
    verify(token: string): AccessClaims | undefined {
      const known = verified.get(token)
      if (known) return known.expiresAt > Date.now() ? known : undefined
      const payload = checked(keys, token, AUDIENCE)
      if (payload?.sid === undefined) return undefined
      const claims = { userId: payload.sub, sessionId: payload.sid, expiresAt: payload.exp * 1000 }
      verified.set(token, claims)
      return claims
    },

    signTicket({ userId, sessionId, apiKeyId, credentialEndsAt }: TicketClaims): string {
      return signed(
        key,
        { sid: sessionId, kid: apiKeyId, end: credentialEndsAt },
        userId,
        TICKET_AUDIENCE,
        TICKET_LIFETIME,
      )
    },

    verifyTicket(ticket: string): TicketClaims | undefined {
      const payload = checked(keys, ticket, TICKET_AUDIENCE)
      if (payload?.end === undefined) return undefined
      const { sid, kid, end } = payload
      return {
        userId: payload.sub,
        ...(sid !== undefined && { sessionId: sid }),
        ...(kid !== undefined && { apiKeyId: kid }),
        credentialEndsAt: end,
      }
    },
  }
}

function signed(key: KeyObject, claims: object, subject: string, audience: string, expiresIn: number): string {
  return jwt.sign(claims, key, { algorithm: ALGORITHM, subject, issuer: ISSUER, audience, expiresIn })
}

/** Ids in claims must be UUIDs: a database look-up with anything else would fail. */
const id = z.guid()
const seconds = z.int().positive()

/** The claims of every token this server issues. */
const claimsRule = z.object({
  sub: id,
  exp: seconds,
  iat: seconds,
  aud: z.string(),
  sid: id.optional(),
  kid: id.optional(),
  end: z.number().optional(),
})

/** Tolerated difference between the clocks of two servers, in seconds. */
const CLOCK_SKEW = 60

type Claims = z.infer<typeof claimsRule>

function checked(keys: readonly KeyObject[], token: string, audience: string): Claims | undefined {
  if (token.length > MAX_LENGTH) return undefined
  for (const key of keys) {
    const claims = checkedWith(key, token, audience)
    if (claims) return claims
  }
  return undefined
}

function checkedWith(key: KeyObject, token: string, audience: string): Claims | undefined {
  try {
    const { header, payload } = jwt.verify(token, key, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience,
      complete: true,
    })
    // jsonwebtoken accepts other token types, tokens without `exp` or issued in the future, and
    // unknown critical extensions. Reject them here.
    if ('crit' in header || (header.typ !== undefined && header.typ !== 'JWT')) return undefined
    const claims = claimsRule.parse(payload)
    const fromTheFuture = claims.iat > Date.now() / 1000 + CLOCK_SKEW
    return claims.aud === audience && !fromTheFuture ? claims : undefined
  } catch {
    return undefined
  }
}

/** Generates a refresh token of 256 random bits. Only its hash is stored. */
export function newRefreshToken(): { token: string; hash: Uint8Array<ArrayBuffer> } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: hashToken(token) }
}

/** Hashes a token with SHA-256, which is enough for 256 random bits. */
export function hashToken(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(token).digest())
}
