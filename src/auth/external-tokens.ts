import { createRemoteJWKSet, jwtVerify } from 'jose'

/** Who a token of the outside identity provider speaks of. */
export interface ExternalClaims {
  issuer: string
  subject: string
  /** Only when the provider says that it verified it. */
  verifiedEmail: string | undefined
  /** Milliseconds since the epoch. */
  expiresAt: number
}

export interface ExternalTokens {
  /** The claims of a valid token of the provider; undefined for anything else, also when its keys cannot be had. */
  verify(token: string): Promise<ExternalClaims | undefined>
}

export interface ExternalOptions {
  jwksUrl: string
  issuer: string
  audience: string
}

/** A token is at most a few kilobytes; a longer one is not worth the work. */
const MAX_LENGTH = 16_384

/**
 * Verifies tokens of an outside identity provider by its published keys (JWKS, RFC 7517). Keys are cached, and fetched
 * again when a token names one that is not known, at most every ten seconds.
 */
export function createExternalTokens({ jwksUrl, issuer, audience }: ExternalOptions): ExternalTokens {
  const keys = createRemoteJWKSet(new URL(jwksUrl), { cooldownDuration: 10_000, timeoutDuration: 3_000 })
  return {
    async verify(token) {
      if (token.length > MAX_LENGTH) return undefined
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms: ['RS256', 'ES256'],
          requiredClaims: ['exp', 'sub'],
        })
        const { sub = '', exp = 0, email, email_verified: verified } = payload
        // PostgreSQL has no way to look such a subject up.
        if (sub.includes('\u0000')) return undefined
        const verifiedEmail = verified === true && typeof email === 'string' ? email.toLowerCase() : undefined
        return { issuer, subject: sub, verifiedEmail, expiresAt: exp * 1000 }
      } catch {
        return undefined
      }
    },
  }
}
