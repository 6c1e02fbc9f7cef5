import { z } from 'zod'
import { ProjectRole } from '../../generated/prisma/enums.ts'
import { checkPage, pageRules } from '../../pagination.ts'
import { email } from '../../rules.ts'

/** What is no id is not there, which the policy says. */
export const listMembersRules = pageRules.extend({ projectId: z.string() }).check(checkPage)

export const setMemberRules = z.object({ role: z.enum(ProjectRole) })
export const addMemberRules = setMemberRules.extend({ email })

export type ListMembersValues = z.infer<typeof listMembersRules>
export type AddMemberValues = z.infer<typeof addMemberRules>
export type SetMemberValues = z.infer<typeof setMemberRules>
