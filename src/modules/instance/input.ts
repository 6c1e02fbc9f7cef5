import { z } from 'zod'

/** What a person has to type, so that nobody deletes all tasks by mistake. */
export const CONFIRM_CLEAR = 'delete all tasks'

export const clearTasksRules = z.object({
  projectId: z.string().nullish(),
  confirm: z
    .string()
    .refine((text): boolean => text === CONFIRM_CLEAR, `must be exactly ${JSON.stringify(CONFIRM_CLEAR)}`)
    .meta({ enum: [CONFIRM_CLEAR], examples: [CONFIRM_CLEAR] }),
})

export type ClearTasksValues = z.infer<typeof clearTasksRules>
