import { z } from 'zod'
import { passwordToCheck } from '../../schema/rules.ts'

/** What a person types in place of a password, if the account has none. */
export const CONFIRM_DELETION = 'delete my account'

export const deleteMyAccountRules = z.object({
  currentPassword: passwordToCheck.nullish(),
  confirm: z
    .string()
    .refine((text): boolean => text === CONFIRM_DELETION, `must be exactly ${JSON.stringify(CONFIRM_DELETION)}`)
    .meta({ enum: [CONFIRM_DELETION], examples: [CONFIRM_DELETION] })
    .nullish(),
})

export type DeleteMyAccountValues = z.infer<typeof deleteMyAccountRules>
