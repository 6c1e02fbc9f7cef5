import { randomBytes } from 'node:crypto'
import { hashToken } from './tokens.ts'

const PREFIX = 'tw_'
/** Length of the stored prefix, which distinguishes keys and reveals nothing about the rest. */
const SHOWN = PREFIX.length + 6

/** Generates an API key: `tw_` and 256 random bits. Only its hash and prefix are stored. */
export function newApiKey(): { secret: string; hash: Uint8Array<ArrayBuffer>; prefix: string } {
  const secret = PREFIX + randomBytes(32).toString('base64url')
  return { secret, hash: hashToken(secret), prefix: secret.slice(0, SHOWN) }
}

export function looksLikeApiKey(text: string): boolean {
  return /^tw_[\w-]{43}$/.test(text)
}
