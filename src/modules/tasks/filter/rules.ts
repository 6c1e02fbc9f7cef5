import { z } from 'zod'
import { FIELD_ENTRIES, givenFields, nestedFilters, type TaskFilterValues } from './fields.ts'

/** Maximum levels of and, or, not. */
const MAX_LEVELS = 5
/** Maximum number of filters in a filter, over all levels. */
const MAX_FILTERS = 50
/**
 * Limits planning time, which grows faster than the work saved: 20 joins take 70 ms, 200 take 24 s.
 */
const MAX_JOINS = 20

const parts = z
  .array(z.lazy(() => part))
  .min(1, 'must not be empty')
  .max(MAX_FILTERS - 1, `must have at most ${MAX_FILTERS - 1} items`)

const part: z.ZodType<TaskFilterValues> = z.object({
  ...Object.fromEntries(FIELD_ENTRIES.map(([name, { rule }]) => [name, rule.nullish()])),
  deleted: z.boolean().nullish(),
  and: parts.nullish(),
  or: parts.nullish(),
  not: z.lazy(() => part).nullish(),
})

/** Validates a filter, from a request or read back from JSON. */
export const taskFilterRules = part.superRefine((filter, issues) => {
  for (const message of sizeProblems(filter)) issues.addIssue({ code: 'custom', message })
  for (const [one, path] of nestedFilters(filter)) {
    const levels = path.filter((step) => typeof step === 'string').length
    if (levels === MAX_LEVELS + 1)
      issues.addIssue({
        code: 'custom',
        path,
        message: `is nested too deeply: at most ${MAX_LEVELS} levels of and, or, not`,
      })
    if (levels > 0 && one.deleted != null)
      issues.addIssue({
        code: 'custom',
        path: [...path, 'deleted'],
        message: 'is only allowed at the top level of the filter',
      })
  }
})

/** Lists the limits on the cost of a filter that this one exceeds. */
export function sizeProblems(filter: TaskFilterValues): string[] {
  const filters = [...nestedFilters(filter)].map(([one]) => one)
  const joins = filters.flatMap(givenFields).reduce((sum, { field, value }) => sum + (field.joins?.(value) ?? 0), 0)
  return [
    ...(filters.length > MAX_FILTERS ? [`has ${filters.length} nested filters; at most ${MAX_FILTERS}`] : []),
    ...(joins > MAX_JOINS
      ? [`has ${joins} conditions on assignees, labels or search words; at most ${MAX_JOINS}`]
      : []),
  ]
}
