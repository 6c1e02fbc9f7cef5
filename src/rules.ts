import { z } from 'zod'

/**
 * Rules of values that several modules share. Lengths count characters (Unicode code points), as JSON Schema and
 * PostgreSQL count them; JavaScript's own length counts emoji twice.
 */

/** A text of one line's meaning: surrounding white space is taken off, and something has to remain. */
export function line(max: number) {
  return withLimits(z.string().trim(), 1, max).meta({ minLength: 1, maxLength: max, pattern: '\\S' })
}

/** A text kept as it is. */
export function text(max: number, min = 0) {
  return withLimits(z.string(), min, max).meta({
    ...(min > 0 && { minLength: min }),
    maxLength: max,
    pattern: '^[^\\u0000]*$',
  })
}

function withLimits(rule: z.ZodString, min: number, max: number) {
  return rule.superRefine((value, issues) => {
    const length = countCharacters(value)
    if (length < min) {
      const message = min === 1 ? 'must not be empty' : `must be at least ${min} characters, not ${length}`
      issues.addIssue({ code: 'too_small', origin: 'string', minimum: min, message })
    }
    if (length > max) {
      const message = `must be at most ${max} characters, not ${length}`
      issues.addIssue({ code: 'too_big', origin: 'string', maximum: max, message })
    }
    // PostgreSQL cannot store these, and the driver would quietly change the second.
    if (value.includes('\u0000')) issues.addIssue({ code: 'custom', message: 'must not contain NUL characters' })
    if (!value.isWellFormed())
      issues.addIssue({ code: 'custom', message: 'must be valid Unicode: it has a lone surrogate' })
  })
}

/** Lowers A to Z and nothing else, so that two different texts become one only where they differ in ASCII case. */
function lowerAscii(value: string): string {
  return value.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

function countCharacters(value: string): number {
  let count = 0
  for (const _ of value) count++
  return count
}

/**
 * An e-mail address exactly as given, in lower case: there is one account per address. RFC 5321 allows 254 characters.
 * Checks come first. Lowering all of Unicode before them turns a KELVIN SIGN into a `k`, and so one address into another.
 */
export const emailAddress = z
  .string()
  .max(254, 'must be at most 254 characters')
  .pipe(z.email('is not an e-mail address').overwrite(lowerAscii))

/** An e-mail address that somebody typed: white space around it does not count. */
export const email = z
  .string()
  .trim()
  .pipe(emailAddress)
  .meta({ format: 'email', maxLength: 254, examples: ['ada@example.org'] })

/** Bounds the work of hashing one. */
const MAX_PASSWORD = 200

/** A new password: long enough to resist guessing (NIST SP 800-63B). */
export const password = text(MAX_PASSWORD, 8).meta({ examples: ['correct horse battery'] })

/** A password that is compared: what is too short to be one is just a wrong one. */
export const triedPassword = text(MAX_PASSWORD).meta({ examples: ['correct horse battery'] })

/** What `expectedVersion` means wherever a change takes it. */
export const EXPECTED_VERSION =
  'The version the change is based on; another one is refused. Without it the last write wins.'

/** For a change: the value may be absent, but not cleared. */
export function notNull<Rule extends z.ZodType>(rule: Rule) {
  return rule.nullish().refine((value): boolean => value !== null, 'must not be null: it cannot be cleared')
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Whether a text can be an id. What cannot be one is not there: looking it up would be an error of the database's. */
export function isId(value: string): boolean {
  return UUID.test(value)
}

/** In lower case, as the database writes them. */
export const id = z
  .string()
  .refine(isId, 'is not an id')
  .overwrite(lowerAscii)
  .meta({ format: 'uuid', minLength: 36, maxLength: 36 })
