import { z } from 'zod'
import { problemOfAddresses } from '../outbound/addresses.ts'

/** The rules that src/config.ts declares its variables with. Each has a default, or is optional. */

export function integer(min: number, max: number, fallback: number) {
  const error = `must be a whole number from ${min} to ${max}`
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error }).default(fallback)
}

export function atLeast(min: number, fallback: number) {
  const error = `must be a whole number, ${min} or more`
  return z.coerce.number({ error }).int({ error }).min(min, { error }).default(fallback)
}

/** One of several words. The first is the default. */
export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words, { error: `must be ${words.join(' or ')}` }).default(words[0])
}

/** On unless it is turned off. */
export const onOff = oneOf('on', 'off')

/** A comma-separated list. Empty items are left out. */
export const list = z
  .string()
  .default('')
  .transform((text) => itemsOf(text))

function itemsOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

export const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
  .optional()

export const secret = z
  .string()
  .min(32, 'must be 32 characters or more; generate one with: openssl rand -base64 48')
  // Does not measure strength. Catches a placeholder that was never replaced.
  .refine((secret) => new Set(secret).size >= 5, 'is too easy to guess; generate one with: openssl rand -base64 48')
  .optional()

export const smtpUrl = z
  .string()
  .regex(/^smtps?:\/\/[^\s/]/, 'must start with smtp:// or smtps:// and name a server')
  .refine((url) => URL.canParse(url), 'is not a URL')
  .optional()

export const sender = z
  .string()
  .regex(
    /^(?:[^\r\n<>]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/,
    'must be an e-mail address, like Taskwire <noreply@example.org>',
  )
  .optional()

/** IP addresses, ranges and host names, as `createAddressRule` takes them. */
export const addresses = list.superRefine((entries, issues) => {
  const problem = problemOfAddresses(entries)
  if (problem) issues.addIssue({ code: 'custom', message: problem })
})
