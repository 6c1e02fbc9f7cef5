import { z } from 'zod'
import { line, text } from '../../schema/rules.ts'

export const createProjectRules = z.object({
  key: z
    .string()
    .regex(/^[A-Z][A-Z0-9]{1,9}$/, 'must be 2 to 10 capital letters and digits, starting with a letter')
    .meta({ minLength: 2, maxLength: 10, examples: ['WEB'] })
    .nullish(),
  name: line(100).meta({ examples: ['Website'] }),
  description: text(2000)
    .meta({ examples: ['What the **website** needs.'] })
    .nullish(),
})

export type CreateProjectValues = z.infer<typeof createProjectRules>
