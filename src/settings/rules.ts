import { existsSync } from 'node:fs'
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
  const error = words.length === 2 ? `must be ${words.join(' or ')}` : `must be one of ${words.join(', ')}`
  return z.enum(words, { error }).default(words[0])
}

/** On unless it is turned off. */
export const onOff = oneOf('on', 'off')

/** A comma-separated list. Empty items are left out. */
export const list = z
  .string()
  .default('')
  .transform((text) => itemsOf(text))

/** How to generate a secret, as part of a message. */
export const GENERATE = 'generate one with: openssl rand -base64 48'

function itemsOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

const databaseUrl = z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')

export const postgresUrl = databaseUrl.optional()

/** A URL that leads past a pooler. */
export const directUrl = databaseUrl
  .refine((url) => !/[?&]pgbouncer=true(&|$)/.test(url), 'must reach PostgreSQL without the pooler')
  .optional()

/** Each secret is verified with, one after the other, for every token that the first did not sign. */
const MAX_SECRETS = 10

/** Comma-separated secrets. A message never shows one, only its place in the list. */
export const secrets = z
  .string()
  .transform(itemsOf)
  .superRefine((items, issues) => {
    const add = (message: string) => issues.addIssue({ code: 'custom', message })
    if (items.length > MAX_SECRETS) add(`must not name more than ${MAX_SECRETS} secrets`)
    if (items.length === 0) add(`must be 32 characters or more; ${GENERATE}`)
    for (const [index, secret] of items.entries()) {
      const which = items.length === 1 ? '' : `secret ${index + 1} of ${items.length} `
      if (secret.length < 32) add(`${which}must be 32 characters or more; ${GENERATE}`)
      // Does not measure strength. Catches a placeholder that was never replaced.
      else if (new Set(secret).size < 5) add(`${which}is too easy to guess; ${GENERATE}`)
    }
  })
  .optional()

/** Browser origins (RFC 6454). A path, or a slash at the end, would never match. */
export const origins = list.superRefine(
  each(
    (origin) => /^(\*|null|[a-z][a-z\d+.-]*:\/\/[^\sA-Z/?#@]+)$/.test(origin),
    'an origin like https://app.example.org',
  ),
)

/** Names of this server, as `Host` has them. */
export const hosts = list.superRefine(
  each((host) => !/[\s/?#@]/.test(host), 'a host name like tasks.example.org, *.example.org or *'),
)

function each(isValid: (item: string) => boolean, expected: string) {
  return (items: readonly string[], issues: z.core.$RefinementCtx) => {
    for (const item of items) {
      if (isValid(item)) continue
      issues.addIssue({ code: 'custom', message: `${JSON.stringify(item)} is not ${expected}` })
    }
  }
}

export const webUrl = z.url({ protocol: /^https?$/, error: 'must be a URL with http:// or https://' }).optional()

export const existingFile = z
  .string()
  .refine((path) => existsSync(path), { error: ({ input }) => `there is no file ${JSON.stringify(input)}` })
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
