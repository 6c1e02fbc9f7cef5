import { builder } from '../../../schema/builder.ts'
import { TaskFilter } from '../filter/schema.ts'
import { TaskOrder } from './order-type.ts'

/** The arguments that say which tasks, and in which order. */
export const selectArguments = builder.args((t) => ({
  filter: t.field({ type: TaskFilter }),
  savedFilterId: t.id({ description: 'Only tasks that also match this saved filter.' }),
  orderBy: t.field({ type: [TaskOrder], description: 'At most two terms. Tasks without a due date come last.' }),
}))
