import { z } from 'zod'

/** Lower-cases A to Z only, so that two texts become equal only if they differ in ASCII case. */
export function lowerAscii(value: string): string {
  return value.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/**
 * An e-mail address of at most 254 characters (RFC 5321), returned in lower case: each address has
 * one account. Validation comes first: lower-casing all of Unicode would turn a KELVIN SIGN into a
 * `k`, and so one address into another.
 */
export const emailAddress = z
  .string()
  .max(254, 'must be at most 254 characters')
  .pipe(z.email('must be an e-mail address').overwrite(lowerAscii))
