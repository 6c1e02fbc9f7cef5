import { domainToASCII, domainToUnicode } from 'node:url'
import { z } from 'zod'

/** Lower-cases A to Z only, so that two texts become equal only if they differ in ASCII case. */
export function lowerAscii(value: string): string {
  return value.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Maximum length in bytes, with the domain in ASCII (RFC 5321). */
const MAX_BYTES = 254

/** Visible characters that RFC 6531 adds to the local part of an address. */
const NOT_ASCII = /[^\p{ASCII}]/gu
const ALLOWED = /^[\p{L}\p{M}\p{N}\p{S}]$/u

/** A label of a domain that stands for one in Unicode. */
const IN_DNS = /(?<=^|\.)xn--[a-z0-9-]+/g

const ascii = z.email()

/**
 * Returns the address as it is stored, or undefined for an invalid one. Converts a domain as DNS
 * does. Two addresses become one only if they differ in ASCII case or name the same domain:
 * characters that merely resemble others, like KELVIN SIGN and `k`, are invalid.
 */
function toKept(address: string): string | undefined {
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at)
  const domain = domainInDns(address.slice(at + 1))
  if (at < 0 || domain === undefined || local !== local.normalize('NFKC')) return undefined
  // With plain letters in place of the others, the rest is checked as in ASCII.
  const plain = local.replace(NOT_ASCII, (one) => (ALLOWED.test(one) ? 'x' : ' '))
  if (!ascii.safeParse(`${plain}@${domain.replace(IN_DNS, 'xx')}`).success) return undefined
  const kept = `${lowerAscii(local)}@${domain}`
  return Buffer.byteLength(kept) <= MAX_BYTES ? kept : undefined
}

function domainInDns(domain: string): string | undefined {
  if (/^\p{ASCII}*$/u.test(domain)) {
    const lower = lowerAscii(domain)
    return !/(^|\.)xn--/.test(lower) || domainToASCII(lower) === lower ? lower : undefined
  }
  const typed = domain.normalize('NFC').toLowerCase()
  // More than the case would change: IDNA maps a KELVIN SIGN to k, and removes soft hyphens.
  const letters = domain.match(NOT_ASCII) ?? []
  if (letters.some((one) => /^\p{ASCII}*$/u.test(one.normalize('NFC').toLowerCase()))) return undefined
  const found = domainToASCII(typed)
  return found !== '' && domainToUnicode(found) === typed ? found : undefined
}

/**
 * An e-mail address (RFC 5321, RFC 6531) in the form that is stored: ASCII letters in lower case,
 * the domain as in DNS. Each address has one account.
 */
export const emailAddress = z
  .string()
  .max(MAX_BYTES, `must be at most ${MAX_BYTES} characters`)
  .refine((address) => toKept(address) !== undefined, 'must be an e-mail address')
  .overwrite((address) => toKept(address) ?? address)
