import { z } from 'zod'
import { checkPage, pageRules } from '../../../schema/lists.ts'
import { taskFilterRules } from '../filter/rules.ts'
import { TASK_ORDER_FIELDS } from './order.ts'

/** The arguments of a task list. One rule for all of them reports every problem at once. */
export const listTasksRules = pageRules
  .extend({
    filter: taskFilterRules.nullish(),
    orderBy: z
      .array(z.object({ field: z.enum(TASK_ORDER_FIELDS), direction: z.enum(['ASC', 'DESC']) }))
      .max(2, 'must have at most 2 terms')
      .nullish(),
  })
  .check(checkPage, ({ value: { filter, orderBy }, issues }) => {
    const fields = (orderBy ?? []).map((term) => term.field)
    const refuse = (index: number, message: string) =>
      issues.push({ code: 'custom', path: ['orderBy', index, 'field'], message, input: undefined })
    if (fields.includes('RELEVANCE') && filter?.search == null)
      refuse(fields.indexOf('RELEVANCE'), 'RELEVANCE needs filter.search')
    if (fields[0] !== undefined && fields[0] === fields[1]) refuse(1, `repeats ${fields[1]}`)
  })

export type ListTasksValues = z.infer<typeof listTasksRules>
