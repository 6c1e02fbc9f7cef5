import { z } from 'zod'
import { line, text } from '../../rules.ts'

/** RFC 5321 allows 254 characters in an address. */
export const email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254, 'must be at most 254 characters')
  .pipe(z.email('is not an e-mail address'))

/** Long enough to resist guessing (NIST SP 800-63B), short enough that hashing one is bounded work. */
const MAX_PASSWORD = 200
export const password = text(MAX_PASSWORD, 8)

export const registerRules = z.object({ email, password, name: line(100) })

// What is too short to be a password is just a wrong one.
export const signInRules = z.object({ email, password: text(MAX_PASSWORD) })

export const refreshRules = z.object({
  refreshToken: z.string().min(1, 'must not be empty').max(500, 'is too long to be one of ours'),
})

export const changePasswordRules = z.object({ currentPassword: text(MAX_PASSWORD), newPassword: password })

/** Longer than any token of ours. */
export const renewConnectionRules = z.object({
  accessToken: z.string().min(1, 'must not be empty').max(4096, 'is too long to be one of ours'),
})

export type ChangePasswordValues = z.infer<typeof changePasswordRules>
export type RegisterValues = z.infer<typeof registerRules>
export type SignInValues = z.infer<typeof signInRules>
