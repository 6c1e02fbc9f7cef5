import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { emailAddress } from '../rules.ts'

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

/** OpenID Connect Core 2: a subject has 1 to 255 ASCII characters. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/

/** How often trouble with the provider is told. */
const TELL_EVERY_MS = 10_000

/**
 * Verifies tokens of an outside identity provider by its published keys (JWKS, RFC 7517). Keys are cached, and fetched
 * again when a token names one that is not known, at most every ten seconds. `onTrouble` hears why keys cannot be had.
 */
export function createExternalTokens(options: ExternalOptions, onTrouble: (error: Error) => void): ExternalTokens {
  const { jwksUrl, issuer, audience } = options
  const keys = createRemoteJWKSet(new URL(jwksUrl), { cooldownDuration: 10_000, timeoutDuration: 3_000 })
  let toldAt = Number.NEGATIVE_INFINITY

  function tell(error: unknown): void {
    // What is wrong with a token has a code of its own; what is left are the provider and the way to it.
    const ours = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)
    if (ours || !(error instanceof Error) || performance.now() - toldAt < TELL_EVERY_MS) return
    toldAt = performance.now()
    onTrouble(error)
  }

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
        if (!SUBJECT.test(sub)) return undefined
        const address = emailAddress.safeParse(email)
        const verifiedEmail = verified === true && address.success ? address.data : undefined
        return { issuer, subject: sub, verifiedEmail, expiresAt: exp * 1000 }
      } catch (error) {
        tell(error)
        return undefined
      }
    },
  }
}
