import { z } from 'zod'
import { checkPage, pageRules } from '../../schema/lists.ts'
import { line, notNull } from '../../schema/rules.ts'

const name = line(50).meta({ examples: ['bug'] })
export const color = z
  .string()
  .regex(/^#[0-9a-f]{6}$/i, 'must be a color like #1d76db')
  .toLowerCase()
  // JSON Schema patterns have no flags.
  .meta({ pattern: '^#[0-9A-Fa-f]{6}$', minLength: 7, maxLength: 7, examples: ['#1d76db'] })

export const createLabelRules = z.object({ name, color: color.nullish() })
export const updateLabelRules = z.object({ name: notNull(name), color: notNull(color) })

/** Accepts any string as projectId: the policy answers NOT_FOUND for one that is not a UUID. */
export const listLabelsRules = pageRules.extend({ projectId: z.string() }).check(checkPage)

export type CreateLabelValues = z.infer<typeof createLabelRules>
export type UpdateLabelValues = z.infer<typeof updateLabelRules>
export type ListLabelsValues = z.infer<typeof listLabelsRules>
