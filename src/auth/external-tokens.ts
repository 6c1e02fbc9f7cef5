import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose'
import { emailAddress } from './email-address.ts'
import { limitedFetch } from './limited-fetch.ts'

/** The claims of a token issued by the external identity provider. */
export interface ExternalClaims {
  issuer: string
  subject: string
  /** The e-mail address, if the provider says that it is verified. */
  verifiedEmail: string | undefined
  /** Milliseconds since the epoch. */
  expiresAt: number
}

export interface ExternalTokens {
  /**
   * Returns the claims of a valid token. Returns undefined for anything else, or if the keys cannot
   * be fetched.
   */
  verify(token: string): Promise<ExternalClaims | undefined>
}

export interface ExternalOptions {
  jwksUrl: string
  issuer: string
  audience: string
  /** Maximum size of the provider's keys, in bytes. */
  jwksLimit: number
}

/** Maximum length of a token. Real tokens have a few kilobytes. */
const MAX_LENGTH = 16_384

/** OpenID Connect Core, section 2: a subject has 1 to 255 ASCII characters. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/

/** Minimum time between two reports of provider failures. */
const REPORT_INTERVAL_MS = 10_000

/**
 * Verifies tokens of an external identity provider with its published keys (JWKS, RFC 7517). Keys
 * are cached. A token with an unknown key id fetches them again, at most every ten seconds.
 * `onError` is called with the error if the keys cannot be fetched.
 */
export function createExternalTokens(options: ExternalOptions, onError: (error: Error) => void): ExternalTokens {
  const { jwksUrl, issuer, audience, jwksLimit } = options
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    cooldownDuration: 10_000,
    timeoutDuration: 3_000,
    [customFetch]: limitedFetch(jwksLimit),
  })
  let reportedAt = Number.NEGATIVE_INFINITY

  function report(error: unknown): void {
    // jose has specific error classes for invalid tokens. All other errors concern the provider or
    // the network.
    const ours = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)
    if (ours || !(error instanceof Error) || performance.now() - reportedAt < REPORT_INTERVAL_MS) return
    reportedAt = performance.now()
    onError(error)
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
        report(error)
        return undefined
      }
    },
  }
}
