import { z } from 'zod'
import { commonPasswordProblem } from '../auth/common-passwords.ts'
import { emailAddress, lowerAscii } from '../auth/email-address.ts'

/**
 * Value rules shared by several modules. Lengths are in Unicode code points, as in JSON Schema and
 * PostgreSQL. JavaScript's `length` would count an emoji twice.
 */

/** Line breaks and other control characters, also those of Unicode. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u

/** Characters that change the direction of what follows, so that a text reads like another one. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/u

/** Anything but space, and characters that show nothing by themselves. */
const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\u2800]/u

/** One visible line of text such as a name. Trims white space. */
export function line(max: number) {
  return withLimits(z.string().trim(), 1, max)
    .superRefine((value, issues) => {
      const refuse = (message: string) => issues.addIssue({ code: 'custom', message, params: { rule: 'visible_line' } })
      if (value !== '' && !VISIBLE.test(value)) refuse('must have at least one visible character')
      // NUL has a message of its own.
      if (CONTROL.test(value.replaceAll('\u0000', ''))) refuse('must be one line without control characters')
      if (DIRECTION.test(value)) refuse('must not contain characters that override the direction of text')
    })
    .meta({ minLength: 1, maxLength: max, pattern: '\\S' })
}

/** Text that is stored unchanged. */
export function text(max: number, min = 0) {
  return withLimits(z.string(), min, max).meta({
    ...(min > 0 && { minLength: min }),
    maxLength: max,
    pattern: '^[^\\u0000]*$',
  })
}

/** Returns 1000 as "1,000". Much cheaper than `toLocaleString`, which first loads all locales. */
export const grouped = (count: number) => String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')

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
    // PostgreSQL can store neither NUL nor lone surrogates; the driver would silently
    // replace the latter.
    if (value.includes('\u0000')) issues.addIssue({ code: 'custom', message: 'must not contain NUL characters' })
    if (!value.isWellFormed())
      issues.addIssue({ code: 'custom', message: 'must be valid Unicode: it contains a lone surrogate' })
  })
}

function countCharacters(value: string): number {
  let count = 0
  for (const _ of value) count++
  return count
}

/** An e-mail address with optional white space around it, as people type it. */
export const email = z
  .string()
  .trim()
  .pipe(emailAddress)
  // Not the format "email", which is ASCII only.
  .meta({ pattern: '^\\s*[^\\s@]+@[^\\s@]+\\s*$', maxLength: 254, examples: ['ada@example.org'] })

/** Maximum length of a password. Bounds the work of hashing it. */
const MAX_PASSWORD = 200

const MIN_PASSWORD = 10

/** A new password: long enough, and not one that everybody tries first (NIST SP 800-63B). */
export const password = text(MAX_PASSWORD, MIN_PASSWORD)
  .superRefine((value, issues) => {
    const length = countCharacters(value)
    if (length < MIN_PASSWORD || length > MAX_PASSWORD) return
    const problem = commonPasswordProblem(value)
    if (problem === undefined) return
    const message = `${problem}: choose one that is harder to guess, such as several unrelated words`
    issues.addIssue({ code: 'custom', message, params: { rule: 'common_password' } })
  })
  .meta({ examples: ['correct horse battery'] })

/** Description of every new password. */
export const NEW_PASSWORD = `${MIN_PASSWORD} to ${MAX_PASSWORD} characters. Common passwords are rejected.`

/** A password to check. Has no minimum length: a short one is simply incorrect. */
export const passwordToCheck = text(MAX_PASSWORD).meta({ examples: ['correct horse battery'] })

/** Maximum length of the name of a time zone. The longest has 32 characters. */
const MAX_TIME_ZONE = 100

/** A name in the IANA time zone database. Offsets like +01:00 are not names. */
export const timeZone = z
  .string()
  .max(MAX_TIME_ZONE, `must be at most ${MAX_TIME_ZONE} characters`)
  .superRefine((name, issues) => {
    if (knownTimeZone(name) !== undefined) return
    const message = `must be the name of a time zone like Europe/Berlin, not ${JSON.stringify(name.slice(0, MAX_TIME_ZONE))}`
    issues.addIssue({ code: 'custom', message, params: { rule: 'time_zone' } })
  })
  .overwrite((name) => knownTimeZone(name) ?? name)
  .meta({ maxLength: MAX_TIME_ZONE, examples: ['Europe/Berlin'] })

/** Description of every new time zone. */
export const TIME_ZONE = 'A name in the IANA time zone database, like Europe/Berlin. Decides when a day ends.'

function knownTimeZone(name: string): string | undefined {
  // Intl accepts offsets.
  if (!/^[a-z]/i.test(name)) return undefined
  try {
    const { timeZone: known } = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions()
    // Corrects the case, but keeps a name for which Intl has another one.
    return known.toLowerCase() === name.toLowerCase() ? known : name
  } catch {
    return undefined
  }
}

/** Description of every `expectedVersion` argument. */
export const EXPECTED_VERSION =
  'The version this change is based on. If the current version differs, the change is rejected. Without it, the last write wins.'

/** Rule for a field of an update that can be absent but not null. */
export function notNull<Rule extends z.ZodType>(rule: Rule) {
  return rule.nullish().refine((value): boolean => value !== null, 'must not be null: this field cannot be cleared')
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Returns true for a UUID. Look up nothing else: the database would reject it with an error. */
export function isId(value: string): boolean {
  return UUID.test(value)
}

/** An id in lower case, as the database prints UUIDs. */
export const id = z
  .string()
  .refine(isId, 'must be an id (a UUID)')
  .overwrite(lowerAscii)
  .meta({ format: 'uuid', minLength: 36, maxLength: 36 })
