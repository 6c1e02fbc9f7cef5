import { z } from 'zod'
import { checkPage, pageRules } from '../../schema/lists.ts'
import { id, line, notNull } from '../../schema/rules.ts'
import { taskFilterRules } from '../tasks/filter/rules.ts'

const name = line(100).meta({ examples: ['Urgent and mine'] })
const projectId = id.nullish()

export const createSavedFilterRules = z.object({ name, filter: taskFilterRules, projectId })
export const updateSavedFilterRules = z.object({ name: notNull(name), filter: notNull(taskFilterRules), projectId })

/** Accepts any string as projectId: the policy answers NOT_FOUND for one that is not a UUID. */
export const listSavedFiltersRules = pageRules.extend({ projectId: z.string().nullish() }).check(checkPage)

export type CreateSavedFilterValues = z.infer<typeof createSavedFilterRules>
export type UpdateSavedFilterValues = z.infer<typeof updateSavedFilterRules>
export type ListSavedFiltersValues = z.infer<typeof listSavedFiltersRules>
