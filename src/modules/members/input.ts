import { z } from 'zod'
import { ProjectRole } from '../../generated/prisma/enums.ts'
import { checkPage, pageRules } from '../../schema/lists.ts'
import { email } from '../../schema/rules.ts'

/** Accepts any string as projectId: the policy answers NOT_FOUND for one that is not a UUID. */
export const listMembersRules = pageRules.extend({ projectId: z.string() }).check(checkPage)

export const setMemberRules = z.object({ role: z.enum(ProjectRole) })
export const addMemberRules = setMemberRules.extend({ email })

export type ListMembersValues = z.infer<typeof listMembersRules>
export type AddMemberValues = z.infer<typeof addMemberRules>
export type SetMemberValues = z.infer<typeof setMemberRules>
