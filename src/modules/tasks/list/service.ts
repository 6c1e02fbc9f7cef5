import type { Context } from '../../../request/context.ts'
import { requireViewer } from '../../../request/viewer.ts'
import { type Connection, loadPage } from '../../../schema/lists.ts'
import type { TaskFilterValues } from '../filter/fields.ts'
import { resolveFilter } from '../filter/resolve.ts'
import type { TaskQuery, TaskRow } from '../rows.ts'
import type { ListTasksValues } from './input.ts'
import { type TaskOrderValue, taskOrder } from './order.ts'
import { rankedSource } from './ranked.ts'
import { plainSource } from './source.ts'

/**
 * Lists tasks visible to the viewer that match the filter. By default a search sorts by relevance,
 * anything else by age.
 */
export async function listTasks(ctx: Context, args: ListTasksValues, query: TaskQuery): Promise<Connection<TaskRow>> {
  const viewer = requireViewer(ctx)
  const filter = await resolveFilter(ctx, { values: args.filter ?? {}, path: ['filter'] })
  const orderBy = args.orderBy?.length ? args.orderBy : defaultOrder(filter.values)
  const ranked = orderBy.some((term) => term.field === 'RELEVANCE')
  const source = ranked
    ? rankedSource({ viewer, filter, order: taskOrder(orderBy), page: args })
    : plainSource(viewer, filter, orderBy)
  return loadPage<TaskRow>(ctx.db, args, {
    table: 'Task',
    ...source,
    load: (ids) => ctx.db.task.findMany({ ...query, where: { id: { in: ids } } }),
  })
}

function defaultOrder({ search }: TaskFilterValues): TaskOrderValue[] {
  return [search == null ? { field: 'CREATED_AT', direction: 'ASC' } : { field: 'RELEVANCE', direction: 'DESC' }]
}
