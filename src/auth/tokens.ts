import { createHash, createSecretKey, randomBytes } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'

export interface AccessClaims {
  userId: string
  sessionId: string
  /** Seconds since the epoch. */
  expiresAt: number
}

export interface TokenOptions {
  secret: string
  /** Life of an access token in seconds. */
  lifetime: number
}

const ALGORITHM = 'HS256'
const ISSUER = 'taskwire'
const AUDIENCE = 'taskwire'
/** A token is some 300 characters; anything much longer is not ours and not worth the work. */
const MAX_LENGTH = 4096

export type AccessTokens = ReturnType<typeof createAccessTokens>

/** Signs and verifies access tokens (JWT, RFC 7519 as RFC 8725 would have it: one algorithm, issuer, audience and expiry required). */
export function createAccessTokens({ secret, lifetime }: TokenOptions) {
  // A key object keeps the library from ever reading the secret as a PEM key of another algorithm.
  const key = createSecretKey(Buffer.from(secret))
  const verified = new LRUCache<string, AccessClaims>({ max: 10_000 })

  return {
    lifetime,

    sign({ userId, sessionId }: Pick<AccessClaims, 'userId' | 'sessionId'>): string {
      return jwt.sign({ sid: sessionId }, key, {
        algorithm: ALGORITHM,
        subject: userId,
        issuer: ISSUER,
        audience: AUDIENCE,
        expiresIn: lifetime,
      })
    },

    /** The claims of a token of ours that has not expired; undefined for anything else. */
    verify(token: string): AccessClaims | undefined {
      const known = verified.get(token)
      if (known) return known.expiresAt * 1000 > Date.now() ? known : undefined
      if (token.length > MAX_LENGTH) return undefined
      try {
        const { header, payload } = jwt.verify(token, key, {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          audience: AUDIENCE,
          complete: true,
        })
        // jsonwebtoken accepts tokens without `exp`, and extensions it was told are critical but does not know.
        if (typeof payload === 'string' || 'crit' in header || typeof payload.exp !== 'number') return undefined
        if (typeof payload.sub !== 'string' || typeof payload.sid !== 'string') return undefined
        const claims = { userId: payload.sub, sessionId: payload.sid, expiresAt: payload.exp }
        verified.set(token, claims)
        return claims
      } catch {
        return undefined
      }
    },
  }
}

/** A new refresh token: 256 random bits. Only its hash is stored. */
export function newRefreshToken(): { token: string; hash: Uint8Array<ArrayBuffer> } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: hashToken(token) }
}

/** SHA-256 is enough for tokens of full entropy; there is nothing to guess. */
export function hashToken(token: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(token).digest())
}
