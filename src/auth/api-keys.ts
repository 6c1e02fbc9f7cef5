import { randomBytes } from 'node:crypto'
import { hashToken } from './tokens.ts'

const PREFIX = 'tw_'
/** Characters of a secret that are kept to tell keys apart: they say nothing of the rest. */
const SHOWN = PREFIX.length + 6

/** A new key: `tw_` and 256 random bits. Only hash and beginning are stored. */
export function newApiKey(): { secret: string; hash: Uint8Array<ArrayBuffer>; prefix: string } {
  const secret = PREFIX + randomBytes(32).toString('base64url')
  return { secret, hash: hashToken(secret), prefix: secret.slice(0, SHOWN) }
}

export function looksLikeApiKey(text: string): boolean {
  return /^tw_[\w-]{43}$/.test(text)
}
