import { z } from 'zod'
import { email, line, password, passwordToCheck, timeZone } from '../../schema/rules.ts'

export const registerRules = z.object({
  email,
  password,
  name: line(100).meta({ examples: ['Ada Lovelace'] }),
  timeZone: timeZone.nullish(),
})

export const signInRules = z.object({ email, password: passwordToCheck })

export const refreshRules = z.object({
  refreshToken: z
    .string()
    .min(1, 'must not be empty')
    .max(500, 'is too long: a refresh token has at most 500 characters')
    .meta({ pattern: '^[^\\u0000]+$', examples: ['nVh5kXQ3m0ZbW1yT8sLr2cJdE6aGfU7pIoK9xCvBqNw'] }),
})

export const changePasswordRules = z.object({
  currentPassword: passwordToCheck,
  newPassword: password,
  revokeApiKeys: z.boolean().nullish(),
})

/** The limit is above the length of any token this server issues. */
export const renewConnectionRules = z.object({
  accessToken: z
    .string()
    .min(1, 'must not be empty')
    .max(4096, 'is too long: an access token has at most 4096 characters'),
})

export type ChangePasswordValues = z.infer<typeof changePasswordRules>
export type RegisterValues = z.infer<typeof registerRules>
export type SignInValues = z.infer<typeof signInRules>
