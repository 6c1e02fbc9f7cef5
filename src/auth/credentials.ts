import type { IncomingHttpHeaders } from 'node:http'
import { looksLikeApiKey } from './api-keys.ts'

/** The credential that a request carries, not verified yet. */
export type SentCredential =
  | { kind: 'none' }
  | { kind: 'token'; token: string }
  | { kind: 'apiKey'; secret: string }
  | { kind: 'unreadable' }

/**
 * Reads the credential of a request: `Authorization: Bearer` (RFC 6750) with an access token or an
 * API key, or `X-API-Key`. Two different credentials are unreadable, because it is ambiguous which
 * one counts.
 */
export function readCredential(headers: IncomingHttpHeaders): SentCredential {
  const { authorization, 'x-api-key': header } = headers
  if (authorization === undefined && header === undefined) return { kind: 'none' }
  const bearer = authorization === undefined ? undefined : /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1]
  if (authorization !== undefined && bearer === undefined) return { kind: 'unreadable' }
  if (header !== undefined) {
    if (typeof header !== 'string' || (bearer !== undefined && bearer !== header)) return { kind: 'unreadable' }
    return looksLikeApiKey(header) ? { kind: 'apiKey', secret: header } : { kind: 'unreadable' }
  }
  if (bearer === undefined) return { kind: 'unreadable' }
  return looksLikeApiKey(bearer) ? { kind: 'apiKey', secret: bearer } : { kind: 'token', token: bearer }
}
