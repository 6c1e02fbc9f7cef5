import type { Context, Viewer } from '../../context.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { isId } from '../../rules.ts'
import { requireLabels } from '../labels/policy.ts'
import { requireProjects, visibleProjectsSql } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import { type FilterPath, filtersIn, type TaskFilterValues, type TimeRange } from './filter-input.ts'
import { idsOf } from './keys.ts'
import { requireVisibleTasks } from './policy.ts'

/** A filter with all it names looked up: what makes SQL of it needs to ask nobody. */
export interface ResolvedFilter {
  values: TaskFilterValues
  viewerId: string
  /** The ids of the keys (and ids) in it that name tasks. */
  taskIds: ReadonlyMap<string, string>
  /** Whether the tasks in the trash are meant, instead of all others. */
  deleted: boolean
  /** The projects whose tasks a search can find; null where they are too many, or all. */
  searchScope: SearchScope | null
}

export interface SearchScope {
  projectIds: string[]
  /** Few tasks are looked through sooner than the index is for a word that is in many others. */
  small: boolean
}

/**
 * Looks up what a filter names. A project, label or parent that is not there, or that the viewer may not see, is NOT_FOUND: a
 * list of nothing would hide the mistake. Costs a statement for each kind that the filter names.
 */
export async function resolveFilter(
  ctx: Context,
  values: TaskFilterValues,
  path: FilterPath = ['filter'],
): Promise<ResolvedFilter> {
  const viewer = requireViewer(ctx)
  const all = [...filtersIn(values, path)]
  const named = (idsIn: (filter: TaskFilterValues) => [FilterPath, string | null | undefined][]) =>
    all.flatMap(([filter, at]) =>
      idsIn(filter).flatMap(([step, id]) => (id == null ? [] : [{ id, path: [...at, ...step] }])),
    )
  const several = (step: string, ids: string[] | null | undefined): [FilterPath, string][] =>
    (ids ?? []).map((id, index) => [[...step.split('.'), index], id])

  await requireProjects(
    ctx,
    named(({ projectId }) => [[['projectId'], projectId]]),
  )
  await requireLabels(
    ctx,
    named(({ labelId }) => [...several('labelId.any', labelId?.any), ...several('labelId.all', labelId?.all)]),
  )
  const parents = named(({ parentId }) => [[['parentId'], parentId === 'none' ? null : parentId]])
  const keys = all.flatMap(([filter]) => filter.key ?? [])
  const taskIds = await idsOf(ctx, [...parents.map((one) => one.id), ...keys])
  await requireVisibleTasks(ctx, parents, taskIds)
  const searched = all.some(([filter]) => filter.search != null)
  const searchScope = searched ? await scopeOfSearch(ctx, viewer, values) : null
  return { values, viewerId: viewer.id, taskIds, deleted: values.deleted === true, searchScope }
}

/** Beyond so many projects, naming them costs more than it saves. */
const MOST_IN_SCOPE = 100
const FEW_TASKS = 2_000

async function scopeOfSearch(
  ctx: Context,
  viewer: Viewer,
  { projectId }: TaskFilterValues,
): Promise<SearchScope | null> {
  if (projectId == null && viewer.role === 'ADMIN') return null
  const projects = await ctx.db.project.findMany({
    where: projectId == null ? { memberships: { some: { userId: viewer.id } } } : { id: projectId },
    select: { id: true, taskCounter: true },
    take: MOST_IN_SCOPE + 1,
  })
  if (projects.length > MOST_IN_SCOPE) return null
  const tasks = projects.reduce((sum, project) => sum + project.taskCounter, 0)
  return { projectIds: projects.map(({ id }) => id), small: tasks <= FEW_TASKS }
}

/** Where a viewer's search looks, as a condition on a column that holds a project's id; undefined where it looks everywhere. */
export function searchedProjects(viewer: Viewer, filter: ResolvedFilter, column: Prisma.Sql): Prisma.Sql | undefined {
  const { searchScope } = filter
  // Named, and not looked up in the statement: how many tasks they have decides how it is best done.
  if (searchScope) return oneOfColumn(column, searchScope.projectIds, 'uuid')
  return filter.values.projectId == null ? visibleProjectsSql(viewer, column) : undefined
}

/** Whether a filter asks no more of a task than words, and where it is. */
export function isPlainSearch({ values }: ResolvedFilter): boolean {
  const { search, projectId, deleted, ...rest } = values
  return search != null && Object.values(rest).every((condition) => condition == null)
}

/** The SQL of a filter on "Task". */
export function taskCondition(filter: ResolvedFilter, ...further: (Prisma.Sql | undefined)[]): Prisma.Sql {
  return every([
    filter.deleted ? Prisma.sql`"Task"."deletedAt" IS NOT NULL` : Prisma.sql`"Task"."deletedAt" IS NULL`,
    ...conditions(filter.values, filter),
    ...further,
  ])
}

type Condition = Prisma.Sql | null | undefined | false

function every(all: readonly Condition[]): Prisma.Sql {
  const given = all.filter((one): one is Prisma.Sql => one instanceof Prisma.Sql)
  return given.length === 0 ? Prisma.sql`TRUE` : Prisma.join(given, ' AND ')
}

function conditions(filter: TaskFilterValues, whole: ResolvedFilter): Condition[] {
  const { status, priority, projectId, creatorId, labelId, parentId, key, overdue, and, or, not } = filter
  const within = (one: TaskFilterValues) => Prisma.sql`(${every(conditions(one, whole))})`
  return [
    projectId != null && Prisma.sql`"Task"."projectId" = ${projectId}::uuid`,
    status && oneOf('status', status, '"TaskStatus"'),
    priority?.in && oneOf('priority', priority.in, 'smallint'),
    priority?.gte != null && Prisma.sql`"Task"."priority" >= ${priority.gte}::smallint`,
    priority?.lte != null && Prisma.sql`"Task"."priority" <= ${priority.lte}::smallint`,
    assigned(filter, whole),
    creatorId && oneOf('creatorId', withMe(creatorId, whole), 'uuid'),
    labelId?.any && labelled(labelId.any, whole),
    ...allLabels(labelId?.all ?? [], whole),
    parentId != null && ofParent(parentId, whole),
    key &&
      oneOf(
        'id',
        key.flatMap((one) => whole.taskIds.get(one) ?? []),
        'uuid',
      ),
    ...during('dueAt', filter.dueAt),
    ...during('createdAt', filter.createdAt),
    ...during('updatedAt', filter.updatedAt),
    ...during('completedAt', filter.completedAt),
    overdue != null && (overdue ? OVERDUE : Prisma.sql`NOT (${OVERDUE})`),
    hasWords(filter, whole),
    ...(and ?? []).map(within),
    or && Prisma.sql`(${Prisma.join(or.map(within), ' OR ')})`,
    // Of what is unknown (the due date of a task without one) NOT knows nothing, either: what does not meet the condition is meant.
    not && Prisma.sql`${within(not)} IS NOT TRUE`,
  ]
}

/** Equality where there is one value: an index keeps its order behind that. */
function oneOf(column: string, values: readonly (string | number)[], type: string): Prisma.Sql {
  const name = Prisma.raw(`"Task"."${column}"`)
  return oneOfColumn(name, values, type)
}

function oneOfColumn(name: Prisma.Sql, values: readonly (string | number)[], type: string): Prisma.Sql {
  return values.length === 1
    ? Prisma.sql`${name} = ${values[0]}::${Prisma.raw(type)}`
    : Prisma.sql`${name} = ANY(${values}::${Prisma.raw(type)}[])`
}

const withMe = (ids: readonly string[], { viewerId }: ResolvedFilter) =>
  ids.map((one) => (one === 'me' ? viewerId : one))

function assigned(filter: TaskFilterValues, whole: ResolvedFilter): Condition {
  if (!filter.assigneeId) return null
  const people = withMe(filter.assigneeId, whole).filter(isId)
  const nobody = filter.assigneeId.includes('none') && Prisma.sql`"Task"."assigneeIds" = '{}'`
  const somebody =
    (people.length > 0 || !nobody) &&
    Prisma.sql`EXISTS (SELECT FROM "TaskAssignee" AS link WHERE link."taskId" = "Task"."id"
      AND ${assigneeLink(people, filter, whole)})`
  const given = [nobody, somebody].filter((one) => one instanceof Prisma.Sql)
  return given.length === 1 ? given[0] : Prisma.sql`(${Prisma.join(given, ' OR ')})`
}

/** The rows of "TaskAssignee" AS link that lead to the tasks; the status they repeat is in their index. */
export function assigneeLink(
  people: readonly string[],
  { status }: TaskFilterValues,
  whole: ResolvedFilter,
): Prisma.Sql {
  return every([
    oneOfColumn(Prisma.sql`link."userId"`, people, 'uuid'),
    Prisma.sql`link."live" = ${!whole.deleted}`,
    status && oneOfColumn(Prisma.sql`link."status"`, status, '"TaskStatus"'),
  ])
}

function labelled(labels: readonly string[], whole: ResolvedFilter): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT FROM "TaskLabel" AS link WHERE link."taskId" = "Task"."id"
    AND ${labelLink(labels, whole)})`
}

/** One label leads to the tasks, which know their others. */
function allLabels(labels: readonly string[], whole: ResolvedFilter): Prisma.Sql[] {
  const [first, ...others] = new Set(labels)
  if (first === undefined) return []
  const led = labelled([first], whole)
  return others.length === 0 ? [led] : [led, Prisma.sql`"Task"."labelIds" @> ${others}::uuid[]`]
}

/** The rows of "TaskLabel" AS link that lead to the tasks. */
export function labelLink(labels: readonly string[], { deleted }: ResolvedFilter): Prisma.Sql {
  return Prisma.sql`${oneOfColumn(Prisma.sql`link."labelId"`, labels, 'uuid')} AND link."live" = ${!deleted}`
}

function ofParent(parentId: string, { taskIds }: ResolvedFilter): Prisma.Sql {
  if (parentId === 'none') return Prisma.sql`"Task"."parentId" IS NULL`
  return Prisma.sql`"Task"."parentId" = ${taskIds.get(parentId) ?? null}::uuid`
}

/** Past its due date and still open; word for word what the indexes of open tasks are of. */
const OVERDUE = Prisma.sql`"Task"."status" IN ('PENDING', 'IN_PROGRESS')
  AND COALESCE("Task"."dueAt", 'infinity'::timestamptz) < now()`

function during(column: 'dueAt' | 'createdAt' | 'updatedAt' | 'completedAt', range: TimeRange | null | undefined) {
  if (!range) return []
  // The expression the index of the due date has. Tasks without one are in no range: behind any end, and kept out of any beginning.
  const value =
    column === 'dueAt'
      ? Prisma.sql`COALESCE("Task"."dueAt", 'infinity'::timestamptz)`
      : Prisma.raw(`"Task"."${column}"`)
  const { gte, gt, lte, lt } = range
  return [
    gte && Prisma.sql`${value} >= ${gte}`,
    gt && Prisma.sql`${value} > ${gt}`,
    lte && Prisma.sql`${value} <= ${lte}`,
    lt && Prisma.sql`${value} < ${lt}`,
    column === 'dueAt' && (gte || gt) && Prisma.sql`"Task"."dueAt" IS NOT NULL`,
  ]
}

function hasWords({ search }: TaskFilterValues, whole: ResolvedFilter): Condition {
  if (search == null) return null
  return Prisma.sql`EXISTS (SELECT FROM "TaskSearch" AS text WHERE text."taskId" = "Task"."id"
    AND ${wordsMatch(search, whole)})`
}

/** The rows of "TaskSearch" AS text that have the words. */
export function wordsMatch(search: string, { searchScope }: ResolvedFilter): Prisma.Sql {
  const query = Prisma.sql`search_query(${search})`
  if (!searchScope) return Prisma.sql`text."words" @@ ${query}`
  // The index is of the bare operator: said like this, it is not used.
  if (searchScope.small) return Prisma.sql`(text."words" @@ ${query}) IS TRUE`
  // Words name their project: the index does not go through those of projects that cannot be meant.
  const scope = searchScope.projectIds.map(projectWord).join(' | ')
  return Prisma.sql`text."words" @@ (${query} && ${scope}::tsquery)`
}

/** As the function project_word in the database writes it. */
const projectWord = (projectId: string) => `'=${projectId.replaceAll('-', '')}'`
