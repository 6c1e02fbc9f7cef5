import type { Context, Viewer } from '../../context.ts'
import type { KeysetSource } from '../../database/keyset.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { type Connection, type ListSource, loadPage } from '../../pagination.ts'
import { visibleProjectsSql } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import {
  assigneeLink,
  labelLink,
  type ResolvedFilter,
  resolveFilter,
  searchedProjects,
  taskCondition,
} from './filter.ts'
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
  const order = taskOrder(orderBy)
  const valuesDecide = !isSimple(filter.values)
  const counted = { from: Prisma.sql`"Task"`, where: taskCondition(filter, seenByAll(viewer, filter)) }
  const linked = orderBy.length === 1 && orderBy[0]?.field === 'CREATED_AT' ? linkedSource(filter) : undefined
  if (linked) {
    const { table, link, rest } = linked
    return {
      from: Prisma.sql`${Prisma.raw(`"${table}"`)} AS link JOIN "Task" ON "Task"."id" = link."taskId"`,
      id: Prisma.sql`link."taskId"`,
      where: Prisma.sql`${link} AND ${taskCondition({ ...filter, values: rest }, seenOneByOne(viewer, filter))}`,
      order: order.map((term) => ({ ...term, expression: Prisma.sql`link."createdAt"` })),
      counted,
      valuesDecide,
    }
  }
  const each = eachProject(viewer, filter.values, orderBy)
  // What each project's list is of need not be asked again of the project's rows.
  if (each) return { where: taskCondition(filter), order, each, counted, valuesDecide }
  return { where: taskCondition(filter, seenOneByOne(viewer, filter)), order, counted, valuesDecide }
}

/** Conditions that each have an index made for them, whatever their values. */
const SIMPLE: ReadonlySet<string> = new Set<keyof TaskFilterValues>([
  'projectId',
  'status',
  'assigneeId',
  'labelId',
  'creatorId',
  'parentId',
  'key',
  'overdue',
  'deleted',
])

function isSimple(filter: TaskFilterValues): boolean {
  return Object.entries(filter).every(([name, condition]) => condition == null || SIMPLE.has(name))
}

const PROJECT = Prisma.sql`"Task"."projectId"`

/** That the viewer sees a task, as a set of projects: for reading all there are. */
function seenByAll(viewer: Viewer, filter: ResolvedFilter): Prisma.Sql | undefined {
  if (filter.values.search != null) return searchedProjects(viewer, filter, PROJECT)
  return filter.values.projectId == null ? visibleProjectsSql(viewer, PROJECT) : undefined
}

/**
 * The same, asked of each task that everything else has led to. As a set, PostgreSQL may begin with it, taking the viewer's projects
 * for average ones: one large project, and a page of 20 reads all of its tasks.
 */
function seenOneByOne(viewer: Viewer, filter: ResolvedFilter): Prisma.Sql | undefined {
  const { projectId, search } = filter.values
  if (viewer.role === 'ADMIN' || projectId != null || search != null) return seenByAll(viewer, filter)
  return Prisma.sql`(SELECT TRUE FROM "Membership" AS own WHERE own."userId" = ${viewer.id}::uuid AND own."projectId" = ${PROJECT})`
}

/** The rows that link tasks to the one person or label they are looked for by, and what of the filter these do not answer. */
function linkedSource(filter: ResolvedFilter): { table: string; link: Prisma.Sql; rest: TaskFilterValues } | undefined {
  const { assigneeId, labelId, ...others } = filter.values
  if (assigneeId?.length === 1 && assigneeId[0] !== 'none') {
    const person = assigneeId[0] === 'me' ? filter.viewerId : assigneeId[0]
    if (!person) return undefined
    return { table: 'TaskAssignee', link: assigneeLink([person], filter.values, filter), rest: { ...others, labelId } }
  }
  const [label, ...further] = labelId?.any ?? labelId?.all ?? []
  if (!label || (labelId?.any && further.length > 0)) return undefined
  const all = labelId?.any ? labelId.all : further
  return { table: 'TaskLabel', link: labelLink([label], filter), rest: { ...others, assigneeId, labelId: { all } } }
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
  const global = orderBy.length === 1 && GLOBAL_ORDERS.has(orderBy[0]?.field ?? '')
  return global ? undefined : { column: PROJECT, values: Prisma.sql`SELECT "id" FROM "Project"` }
}

/** Whether a condition has an index of its own, by which there are fewer rows to sort than projects have. */
function leadsToFew({ assigneeId, labelId, parentId, creatorId, key, search, deleted }: TaskFilterValues): boolean {
  const people = assigneeId != null && !assigneeId.includes('none')
  const parent = parentId != null && parentId !== 'none'
  return people || labelId != null || parent || creatorId != null || key != null || search != null || deleted === true
}
