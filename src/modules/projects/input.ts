import { z } from 'zod'
import { checkPage, pageRules } from '../../schema/lists.ts'
import { line, notNull, text } from '../../schema/rules.ts'

const name = line(100).meta({ examples: ['Website'] })
const description = text(2000)
  .meta({ examples: ['What the **website** needs.'] })
  .nullish()

export const createProjectRules = z.object({
  key: z
    .string()
    .regex(/^[A-Z][A-Z0-9]{1,9}$/, 'must be 2 to 10 capital letters and digits, starting with a letter')
    .meta({ minLength: 2, maxLength: 10, examples: ['WEB'] })
    .nullish(),
  name,
  description,
})
export const updateProjectRules = z.object({ name: notNull(name), description })
export const listProjectsRules = pageRules.extend({ archived: z.boolean().nullish() }).check(checkPage)

export type CreateProjectValues = z.infer<typeof createProjectRules>
export type UpdateProjectValues = z.infer<typeof updateProjectRules>
export type ListProjectsValues = z.infer<typeof listProjectsRules>
