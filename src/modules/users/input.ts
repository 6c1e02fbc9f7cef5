import { z } from 'zod'
import { UserRole } from '../../generated/prisma/enums.ts'
import { checkPage, pageRules } from '../../schema/lists.ts'
import { email, line, notNull, passwordToCheck, timeZone } from '../../schema/rules.ts'

const userFilterRules = z.object({
  role: z.enum(UserRole).nullish(),
  disabled: z.boolean().nullish(),
  // The maximum length of an e-mail address.
  search: line(254).nullish(),
})

/** Covers all arguments of the list, so that every problem is reported at once. */
export const listUsersRules = pageRules.extend({ filter: userFilterRules.nullish() }).check(checkPage)

export const updateMeRules = z
  .object({
    name: notNull(line(100).meta({ examples: ['Ada Lovelace'] })),
    email: notNull(email),
    timeZone: notNull(timeZone),
    currentPassword: passwordToCheck.nullish(),
  })
  .refine(({ email, currentPassword }) => email == null || currentPassword != null, {
    path: ['currentPassword'],
    message: 'is required to change the e-mail address',
    params: { rule: 'required' },
  })

export type UserFilterValues = z.infer<typeof userFilterRules>
export type ListUsersValues = z.infer<typeof listUsersRules>
export type UpdateMeValues = z.infer<typeof updateMeRules>
