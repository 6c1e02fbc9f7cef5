import type { Context, Viewer } from '../../context.ts'
import type { KeysetSource } from '../../database/keyset.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { type Connection, type ListSource, loadPage } from '../../pagination.ts'
import { isId } from '../../rules.ts'
import { visibleProjectsSql } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import { assigneeLink, labelLink, type ResolvedFilter, resolveFilter, taskCondition } from './filter.ts'
import type { ListTasksValues, TaskFilterValues } from './filter-input.ts'
import { type TaskOrderValue, taskOrder } from './order.ts'
import { rankedSource } from './search.ts'

type TaskQuery = Pick<Prisma.TaskFindManyArgs, 'select' | 'include'>
export type TaskRow = Prisma.TaskGetPayload<Record<never, never>>

/** The tasks the viewer sees that pass the filter; the oldest first unless ordered otherwise, and of a search the most relevant. */
export async function listTasks(ctx: Context, args: ListTasksValues, query: TaskQuery): Promise<Connection<TaskRow>> {
  const viewer = requireViewer(ctx)
  const filter = await resolveFilter(ctx, args.filter ?? {})
  const orderBy = orderOf(args)
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

function orderOf({ orderBy, filter }: ListTasksValues): readonly TaskOrderValue[] {
  if (orderBy?.length) return orderBy
  return [
    filter?.search == null ? { field: 'CREATED_AT', direction: 'ASC' } : { field: 'RELEVANCE', direction: 'DESC' },
  ]
}

type Source = Omit<ListSource<TaskRow>, 'table' | 'load'>

/**
 * How a list is read. Whose tasks, or which label's: from the rows that link them, which repeat the time of creation, so that their index
 * has the order. In the viewer's projects: from each by its own index, merged. In one project, or all: from that index.
 */
function plainSource(viewer: Viewer, filter: ResolvedFilter, orderBy: readonly TaskOrderValue[]): Source {
  const visible = filter.values.projectId == null ? visibleProjectsSql(viewer, PROJECT) : undefined
  const order = taskOrder(orderBy)
  const where = taskCondition(filter, visible)
  const counted = { from: Prisma.sql`"Task"`, where }
  if (orderBy.length === 1 && orderBy[0]?.field === 'CREATED_AT') {
    const linked = linkedSource(filter)
    if (linked) {
      const { from, link } = linked
      const expression = Prisma.sql`link."createdAt"`
      return {
        from,
        id: Prisma.sql`link."taskId"`,
        where: Prisma.sql`${link} AND ${where}`,
        order: order.map((term) => ({ ...term, expression })),
        counted,
      }
    }
  }
  const each = eachProject(viewer, filter.values, orderBy)
  // What each project's list is of need not be asked again of the project's rows.
  return each ? { where: taskCondition(filter), order, each, counted } : { where, order }
}

const PROJECT = Prisma.sql`"Task"."projectId"`

/** The rows that link tasks to the one person or label they are looked for by. */
function linkedSource(filter: ResolvedFilter): { from: Prisma.Sql; link: Prisma.Sql } | undefined {
  const { assigneeId, labelId } = filter.values
  const join = (table: string) =>
    Prisma.sql`${Prisma.raw(`"${table}"`)} AS link JOIN "Task" ON "Task"."id" = link."taskId"`
  if (assigneeId?.length === 1 && assigneeId[0] !== 'none') {
    const person = assigneeId[0] === 'me' ? filter.viewerId : assigneeId[0]
    if (person && isId(person))
      return { from: join('TaskAssignee'), link: assigneeLink([person], filter.values, filter) }
  }
  const label = labelId?.any?.length === 1 ? labelId.any[0] : labelId?.all?.[0]
  return label === undefined ? undefined : { from: join('TaskLabel'), link: labelLink([label], filter) }
}

/** The orders there is an index for that does not begin with the project. */
const GLOBAL_ORDERS = new Set(['CREATED_AT', 'UPDATED_AT', 'DUE_AT', 'PRIORITY', 'TITLE'])

function eachProject(
  viewer: Viewer,
  filter: TaskFilterValues,
  orderBy: readonly TaskOrderValue[],
): KeysetSource['each'] {
  if (filter.projectId != null || leadsToFew(filter)) return undefined
  if (viewer.role !== 'ADMIN') {
    const values = Prisma.sql`SELECT "projectId" FROM "Membership" WHERE "userId" = ${viewer.id}::uuid`
    return { column: PROJECT, values }
  }
  const global = orderBy.length === 1 && GLOBAL_ORDERS.has(orderBy[0]?.field ?? '') && filter.overdue !== true
  return global ? undefined : { column: PROJECT, values: Prisma.sql`SELECT "id" FROM "Project"` }
}

/** Whether a condition has an index of its own, by which there are fewer rows to sort than projects have. */
function leadsToFew({ assigneeId, labelId, parentId, creatorId, key, search, deleted }: TaskFilterValues): boolean {
  const people = assigneeId != null && !assigneeId.includes('none')
  const parent = parentId != null && parentId !== 'none'
  return people || labelId != null || parent || creatorId != null || key != null || search != null || deleted === true
}
