import { builder } from '../../../schema/builder.ts'
import { TASK_ORDER_FIELDS } from './order.ts'

export const TaskOrder = builder.inputType('TaskOrder', {
  description: 'One term of a sort order.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('TaskOrderField', {
        description:
          'DUE_AT puts a task with `dueOn` at the end of that day in UTC. TITLE sorts by code point. RANK is the order of a board, in each project. RELEVANCE needs `search`.',
        values: TASK_ORDER_FIELDS,
      }),
      required: true,
    }),
    direction: t.field({
      type: builder.enumType('OrderDirection', {
        values: ['ASC', 'DESC'] as const,
        description: 'Ascending or descending.',
      }),
      required: true,
      defaultValue: 'ASC',
    }),
  }),
})
