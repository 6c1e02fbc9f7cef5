import { AppError } from '../../../gateway/errors.ts'
import type { Context } from '../../../request/context.ts'
import { requireViewer } from '../../../request/viewer.ts'
import { type Connection, loadPage } from '../../../schema/lists.ts'
import { readSavedFilter } from '../../saved-filters/service.ts'
import type { TaskFilterValues } from '../filter/fields.ts'
import { resolveListFilter } from '../filter/resolve.ts'
import type { TaskQuery, TaskRow } from '../rows.ts'
import { type ListTasksValues, RELEVANCE_NEEDS_SEARCH } from './input.ts'
import { type TaskOrderValue, taskOrder } from './order.ts'
import { rankedSource } from './ranked.ts'
import { plainSource, type TaskSource } from './source.ts'

/**
 * Lists tasks visible to the viewer that match the filter, and the saved filter if one is given. A
 * search sorts by relevance by default, any other list by age.
 */
export async function listTasks(ctx: Context, args: ListTasksValues, query: TaskQuery): Promise<Connection<TaskRow>> {
  const { source, requireProject } = await openList(ctx, args)
  const page = await loadPage<TaskRow>(ctx.db, args, { table: 'Task', ...source, model: 'task', query })
  if (page.edges.length === 0) await requireProject()
  return page
}

interface OpenList {
  source: TaskSource
  /** See ListFilter. */
  requireProject: () => Promise<void>
}

/** Checks the filter and the order of a list, and returns where its rows come from. */
export async function openList(ctx: Context, args: ListTasksValues): Promise<OpenList> {
  const viewer = requireViewer(ctx)
  const given = { values: args.filter ?? {}, path: ['filter'] }
  const saved = args.savedFilterId == null ? [] : [await savedFilter(ctx, args.savedFilterId)]
  const { filter, requireProject } = await resolveListFilter(ctx, given, ...saved)
  const orderBy = args.orderBy?.length ? args.orderBy : defaultOrder(filter.values)
  const relevance = orderBy.findIndex((term) => term.field === 'RELEVANCE')
  const ranked = relevance >= 0
  if (ranked && filter.values.search == null)
    throw new AppError('VALIDATION_FAILED', RELEVANCE_NEEDS_SEARCH, { path: ['orderBy', relevance, 'field'] })
  const source = ranked
    ? rankedSource({ viewer, filter, order: taskOrder(orderBy), page: args })
    : plainSource(viewer, filter, orderBy)
  return { source, requireProject }
}

async function savedFilter(ctx: Context, id: string) {
  const path = ['savedFilterId']
  return { values: await readSavedFilter(ctx, id, path), path }
}

function defaultOrder({ search }: TaskFilterValues): TaskOrderValue[] {
  return [search == null ? { field: 'CREATED_AT', direction: 'ASC' } : { field: 'RELEVANCE', direction: 'DESC' }]
}
