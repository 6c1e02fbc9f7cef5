import { z } from 'zod'
import { checkPage, pageRules } from '../../../schema/lists.ts'
import { taskFilterRules } from '../filter/rules.ts'
import { TASK_ORDER_FIELDS } from './order.ts'

export const RELEVANCE_NEEDS_SEARCH = 'RELEVANCE needs filter.search'

/** The arguments that say which tasks, and in which order. */
export const selectTasksRules = z.object({
  filter: taskFilterRules.nullish(),
  // Any string: an id that is not a UUID answers NOT_FOUND like an unknown one.
  savedFilterId: z.string().nullish(),
  orderBy: z
    .array(z.object({ field: z.enum(TASK_ORDER_FIELDS), direction: z.enum(['ASC', 'DESC']) }))
    .max(2, 'must have at most 2 terms')
    .nullish(),
})

/** The arguments of a task list. One rule for all of them reports every problem at once. */
export const listTasksRules = pageRules.extend(selectTasksRules.shape).check(checkPage, checkOrder)

/** Rejects an order that repeats a field, and one by relevance without a search. */
export function checkOrder({
  value: { filter, savedFilterId, orderBy },
  issues,
}: z.core.ParsePayload<z.infer<typeof selectTasksRules>>): void {
  const fields = (orderBy ?? []).map((term) => term.field)
  const refuse = (index: number, message: string) =>
    issues.push({ code: 'custom', path: ['orderBy', index, 'field'], message, input: undefined })
  // A saved filter may contain the search. The service checks again once it has read it.
  if (fields.includes('RELEVANCE') && filter?.search == null && savedFilterId == null)
    refuse(fields.indexOf('RELEVANCE'), RELEVANCE_NEEDS_SEARCH)
  if (fields[0] !== undefined && fields[0] === fields[1]) refuse(1, `repeats ${fields[1]}`)
}

export type ListTasksValues = z.infer<typeof listTasksRules>
