import { z } from 'zod'
import { checkPage, pageRules } from '../../schema/lists.ts'

/** Accepts any string as id: the policy answers NOT_FOUND for an unknown one. */
export const listActivityRules = pageRules.extend({ id: z.string() }).check(checkPage)
export const pageOfActivityRules = pageRules.extend({}).check(checkPage)

export type ListActivityValues = z.infer<typeof listActivityRules>
