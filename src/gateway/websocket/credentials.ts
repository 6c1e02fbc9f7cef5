import type { IncomingHttpHeaders } from 'node:http'

/** A credential in a payload of `connection_init`, as headers that replace those of the upgrade. */
type CredentialHeaders = { authorization?: string; 'x-api-key'?: string }

/**
 * The names of a credential, in lower case and without separators. Guides of clients use many:
 * `Authorization`, `authToken` (Apollo), `x-api-key`, and a header list in `headers`.
 */
const AUTHORIZATION = new Set(['authorization', 'auth'])
const TOKEN = new Set(['authtoken', 'accesstoken', 'token', 'bearertoken'])
const API_KEY = new Set(['apikey', 'xapikey'])

export const EXPECTED = 'Expected {"authorization": "Bearer …"} or {"apiKey": "…"} in connection_init.'

/** The payload has values, but none that is read here. */
export class UnknownPayload extends Error {}

/**
 * Replaces the credential in the upgrade's headers with the one of `connection_init`, so that both
 * are read the same way. Throws UnknownPayload if the payload contains no credential.
 */
export function credentialHeaders(headers: IncomingHttpHeaders, payload: Record<string, unknown>): IncomingHttpHeaders {
  const found: CredentialHeaders = {}
  readCredentials(payload, found, true)
  const isEmpty = Object.values(payload).every(isNothing)
  if (found.authorization === undefined && found['x-api-key'] === undefined) {
    if (isEmpty) return headers
    throw new UnknownPayload(EXPECTED)
  }
  const { authorization: _token, 'x-api-key': _key, ...rest } = headers
  return { ...rest, ...found }
}

function readCredentials(values: Record<string, unknown>, found: CredentialHeaders, outer: boolean): void {
  for (const [name, value] of Object.entries(values)) {
    const known = name.toLowerCase().replace(/[-_]/g, '')
    if (outer && known === 'headers' && isObject(value)) readCredentials(value, found, false)
    else if (value === null) continue
    else if (AUTHORIZATION.has(known)) add(found, 'authorization', textOf(value))
    else if (TOKEN.has(known)) add(found, 'authorization', bearer(textOf(value)))
    else if (API_KEY.has(known)) add(found, 'x-api-key', textOf(value))
  }
}

/** Joins two different credentials, as HTTP joins repeated headers. Nothing accepts the result. */
function add(found: CredentialHeaders, name: keyof CredentialHeaders, value: string): void {
  const before = found[name]
  found[name] = before === undefined || before === value ? value : `${before}, ${value}`
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  throw new UnknownPayload(EXPECTED)
}

/** Adds the scheme Bearer to a token without one. Signed-out clients send an empty token. */
const bearer = (token: string) => (token === '' || /^bearer\s/i.test(token) ? token : `Bearer ${token}`)

const isNothing = (value: unknown): boolean =>
  value === null || (isObject(value) && Object.values(value).every(isNothing))

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
