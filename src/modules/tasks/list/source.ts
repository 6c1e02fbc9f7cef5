import type { Viewer } from '../../../auth/viewer.ts'
import type { KeysetSource } from '../../../database/keyset.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { ListSource } from '../../../schema/lists.ts'
import { visibleProjectsSql } from '../../projects/policy.ts'
import { givenFields, type TaskFilterValues } from '../filter/fields.ts'
import { labelLink } from '../filter/labels.ts'
import { assigneeLink, onlyAssignee } from '../filter/people.ts'
import type { ResolvedFilter } from '../filter/resolve.ts'
import { taskCondition } from '../filter/sql.ts'
import { searchedProjects } from '../filter/words.ts'
import { type TaskOrderValue, taskOrder } from './order.ts'

export type TaskSource = Omit<ListSource, 'table' | 'model' | 'query'>

/**
 * Chooses the rows a list is read from, so that an index has them in the order of the list:
 * - for one assignee or label, the link table, which repeats the creation time of its tasks;
 * - in all projects of the viewer, each project by its own index, merged;
 * - in one project, or over all projects, the index with that order.
 */
export function plainSource(viewer: Viewer, filter: ResolvedFilter, orderBy: readonly TaskOrderValue[]): TaskSource {
  const order = taskOrder(orderBy)
  const planDependsOnValues = !hasReusablePlan(filter.values)
  const counted = () => ({ from: Prisma.sql`"Task"`, where: taskCondition(filter, visibleAsSet(viewer, filter)) })
  const linked = orderBy.length === 1 && orderBy[0]?.field === 'CREATED_AT' ? linkedSource(filter) : undefined
  if (linked) {
    const { table, link, rest } = linked
    return {
      from: Prisma.sql`${Prisma.raw(`"${table}"`)} AS link JOIN "Task" ON "Task"."id" = link."taskId"`,
      id: Prisma.sql`link."taskId"`,
      where: Prisma.sql`${link} AND ${taskCondition({ ...filter, values: rest }, visibleByRow(viewer, filter))}`,
      order: order.map((term) => ({ ...term, expression: Prisma.sql`link."createdAt"` })),
      counted,
      planDependsOnValues,
    }
  }
  const partitions = projectPartitions(viewer, filter.values, orderBy)
  // The projects listed are the viewer's own, so their rows need no visibility check.
  if (partitions) return { where: taskCondition(filter), order, partitions, counted, planDependsOnValues }
  return { where: taskCondition(filter, visibleByRow(viewer, filter)), order, counted, planDependsOnValues }
}

/**
 * Checks that an index serves every condition whatever its values, so that one plan fits
 * all of them.
 */
function hasReusablePlan(filter: TaskFilterValues): boolean {
  const { and, or, not } = filter
  return and == null && or == null && not == null && givenFields(filter).every(({ field }) => field.indexed)
}

const PROJECT = Prisma.sql`"Task"."projectId"`

/** Visibility as a set of projects. Best when every matching row is read, as for a count. */
function visibleAsSet(viewer: Viewer, filter: ResolvedFilter): Prisma.Sql | undefined {
  const { projectId, search } = filter.values
  if (search != null) return searchedProjects(viewer, filter, PROJECT)
  return projectId == null ? visibleProjectsSql(viewer, PROJECT) : membership(viewer, Prisma.sql`${projectId}::uuid`)
}

/** Condition that the viewer may see a project. For a given project it is evaluated once. */
function membership(viewer: Viewer, projectId: Prisma.Sql): Prisma.Sql | undefined {
  if (viewer.role === 'ADMIN') return undefined
  return Prisma.sql`(SELECT TRUE FROM "Membership" AS own WHERE own."userId" = ${viewer.id}::uuid AND own."projectId" = ${projectId})`
}

/**
 * Visibility checked row by row, after the other conditions. Given a set, PostgreSQL may start
 * from the projects and assume average sizes: with one large project, a page of 20 would read all
 * of its tasks.
 */
function visibleByRow(viewer: Viewer, filter: ResolvedFilter): Prisma.Sql | undefined {
  const { projectId, search } = filter.values
  return projectId != null || search != null ? visibleAsSet(viewer, filter) : membership(viewer, PROJECT)
}

interface LinkedSource {
  table: 'TaskAssignee' | 'TaskLabel'
  link: Prisma.Sql
  /** Conditions that the link does not cover. */
  rest: TaskFilterValues
}

/** Finds the one assignee or label whose links lead to the tasks. */
function linkedSource(filter: ResolvedFilter): LinkedSource | undefined {
  const { assigneeId, labelId, ...others } = filter.values
  const person = onlyAssignee(assigneeId, filter)
  if (person)
    return { table: 'TaskAssignee', link: assigneeLink([person], filter, filter.values), rest: { ...others, labelId } }
  const [label, ...further] = labelId?.any ?? labelId?.all ?? []
  if (!label || (labelId?.any && further.length > 0)) return undefined
  const all = labelId?.any ? labelId.all : further
  return { table: 'TaskLabel', link: labelLink([label], filter), rest: { ...others, assigneeId, labelId: { all } } }
}

/** Orders with an index that does not begin with the project. */
const GLOBAL_ORDERS = new Set(['CREATED_AT', 'UPDATED_AT', 'DUE_AT', 'PRIORITY', 'TITLE'])

function projectPartitions(
  viewer: Viewer,
  filter: TaskFilterValues,
  orderBy: readonly TaskOrderValue[],
): KeysetSource['partitions'] {
  if (filter.projectId != null || isSelective(filter)) return undefined
  if (viewer.role !== 'ADMIN') {
    const values = Prisma.sql`SELECT "projectId" FROM "Membership" WHERE "userId" = ${viewer.id}::uuid`
    return { column: PROJECT, values }
  }
  const global = orderBy.length === 1 && GLOBAL_ORDERS.has(orderBy[0]?.field ?? '')
  return global ? undefined : { column: PROJECT, values: Prisma.sql`SELECT "id" FROM "Project"` }
}

/** Checks for a condition whose index finds fewer rows to sort than projects have. */
function isSelective(filter: TaskFilterValues): boolean {
  return filter.deleted === true || givenFields(filter).some(({ field, value }) => field.selective?.(value) === true)
}
