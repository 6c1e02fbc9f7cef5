import type { IncomingHttpHeaders } from 'node:http'

/** The bearer token of a request (RFC 6750 2.1); undefined where none was sent. */
export function bearerToken(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization?.trim() ?? '')?.[1]
}

/** Whether a credential was sent at all, of whatever kind. */
export function hasCredential(headers: IncomingHttpHeaders): boolean {
  return headers.authorization !== undefined || headers['x-api-key'] !== undefined
}
