import { z } from 'zod'
import { line, text } from '../../rules.ts'

/** RFC 5321 allows 254 characters in an address. */
const email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254, 'must be at most 254 characters')
  .pipe(z.email('is not an e-mail address'))

/** Long enough to resist guessing (NIST SP 800-63B), short enough that hashing one is bounded work. */
const MAX_PASSWORD = 200
const password = text(MAX_PASSWORD, 8)

export const registerRules = z.object({ email, password, name: line(100) })

// What is too short to be a password is just a wrong one.
export const signInRules = z.object({ email, password: text(MAX_PASSWORD) })

export type RegisterValues = z.infer<typeof registerRules>
export type SignInValues = z.infer<typeof signInRules>
