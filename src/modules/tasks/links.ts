import type { Context } from '../../context.ts'
import { toAppError } from '../../database/errors.ts'
import { padToPowerOfTwo } from '../../database/statement-names.ts'
import { AppError, type Issue } from '../../gateway/errors.ts'
import { visibleProjects } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import { idsOf } from './keys.ts'

/** What a task of a project is to be linked to; absent or null links nothing. */
export interface Links {
  projectId: string
  /** Of a task that is there already. */
  taskId?: string
  /** What it is linked to now may stay: a parent in the trash, people who have left the project. */
  now?: { parentId: string | null; assigneeIds: readonly string[] }
  parentId?: string | null | undefined
  assigneeIds?: readonly string[] | null | undefined
  labelIds?: readonly string[] | null | undefined
}

/** Links with keys made ids and nothing twice, and what is wrong with them: paths begin at the links. */
export interface CheckedLinks {
  parentId: string | null | undefined
  assigneeIds: string[] | undefined
  labelIds: string[] | undefined
  issues: Issue[]
}

/**
 * Checks the links of any number of tasks: a statement for each kind of link there is, however many. A parent and labels have to be of the
 * task's project, and people its members. What the viewer may not see is `not_found`, like what is not there.
 */
export async function checkLinks(ctx: Context, tasks: readonly Links[]): Promise<CheckedLinks[]> {
  const [parents, members, labels] = [
    await findParents(ctx, present(tasks.map((task) => task.parentId))),
    await findMembers(ctx, tasks),
    await findLabels(ctx, present(tasks.flatMap((task) => task.labelIds ?? []))),
  ]
  // As it will be: each task's new parent counts for those that come behind it.
  const parentOf = new Map(parents.chains)
  const heights = await heightsOf(ctx, tasks)
  return tasks.map(({ projectId, taskId, now, parentId, assigneeIds, labelIds }) => {
    const issues: Issue[] = []
    const ofProject = (found: string | undefined, id: string, noun: string, path: Issue['path']) => {
      if (found === undefined)
        issues.push({ path, code: 'not_found', message: `There is no ${noun} ${JSON.stringify(id)}.` })
      else if (found !== projectId)
        issues.push({ path, code: 'another_project', message: `is a ${noun} of another project` })
    }
    const parent = parentId == null ? undefined : parents.seen.get(parentId)
    const keepsParent = parentId != null && parentId.toLowerCase() === now?.parentId
    if (parentId != null && !keepsParent) ofProject(parent?.projectId, parentId, 'task', ['parentId'])
    const broken = parent && brokenTreeRule(parentOf, parent.id, taskId, heights)
    if (broken) issues.push(treeIssue(broken))
    for (const [index, id] of (labelIds ?? []).entries())
      ofProject(labels.get(id.toLowerCase()), id, 'label', ['labelIds', index])
    for (const [index, id] of (assigneeIds ?? []).entries()) {
      if (members.has(`${projectId} ${id.toLowerCase()}`) || now?.assigneeIds.includes(id.toLowerCase())) continue
      issues.push({ path: ['assigneeIds', index], code: 'not_a_member', message: 'is no member of the project' })
    }
    if (taskId && parentId !== undefined && issues.length === 0) {
      parentOf.set(taskId, parent?.id ?? null)
      growAbove(parentOf, heights, taskId)
    }
    return {
      parentId: parentId == null ? parentId : keepsParent ? now.parentId : parent?.id,
      assigneeIds: once(assigneeIds),
      labelIds: once(labelIds),
      issues,
    }
  })
}

/** The same of one task. Throws with every problem; `path` leads to the input. */
export async function requireLinks(
  ctx: Context,
  links: Links,
  path: Issue['path'] = ['input'],
): Promise<Omit<CheckedLinks, 'issues'>> {
  const [checked] = await checkLinks(ctx, [links])
  if (!checked) throw new Error('one task was to be checked')
  const { issues, ...rest } = checked
  if (issues.length > 0) throw linkError(issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] })))
  return rest
}

/** NOT_FOUND where something is not there, else VALIDATION_FAILED. */
export function linkError(issues: Issue[]): AppError {
  const missing = issues.filter((issue) => issue.code === 'not_found')
  const message = issues
    .map((issue) => (issue.code === 'not_found' ? issue.message : `${issue.path.join('.')}: ${issue.message}`))
    .join('; ')
  return new AppError(missing.length > 0 ? 'NOT_FOUND' : 'VALIDATION_FAILED', message, { issues })
}

const present = (values: readonly (string | null | undefined)[]) => values.filter((value) => value != null)

/** An empty list says: none any more. Null says the same. */
function once(ids: readonly string[] | null | undefined): string[] | undefined {
  if (ids === undefined) return undefined
  return [...new Set((ids ?? []).map((id) => id.toLowerCase()))]
}

/** The parents that are seen, by what was given, and who is whose parent on the way up from them. */
async function findParents(ctx: Context, given: readonly string[]) {
  const seen = new Map<string, { id: string; projectId: string }>()
  if (given.length === 0) return { seen, chains: new Map<string, string | null>() }
  const ids = await idsOf(ctx, given)
  const wanted = [...new Set(ids.values())]
  const rows = await ctx.db.task.findMany({
    where: { id: { in: padToPowerOfTwo(wanted) }, deletedAt: null, project: visibleProjects(requireViewer(ctx)) },
    select: { id: true, projectId: true },
  })
  const byId = new Map(rows.map((row) => [row.id, row]))
  for (const [name, id] of ids) {
    const row = byId.get(id)
    if (row) seen.set(name, row)
  }
  const chain = await ctx.db.$queryRaw<{ id: string; parentId: string | null }[]>`
    WITH RECURSIVE chain AS (
      SELECT "id", "parentId" FROM "Task" WHERE "id" = ANY(${wanted}::uuid[])
      UNION SELECT above."id", above."parentId" FROM chain JOIN "Task" AS above ON above."id" = chain."parentId"
    ) SELECT "id"::text AS id, "parentId"::text AS "parentId" FROM chain`
  return { seen, chains: new Map(chain.map(({ id, parentId }) => [id, parentId])) }
}

/** How many levels of sub-tasks there are below each task that is put below another. */
async function heightsOf(ctx: Context, tasks: readonly Links[]): Promise<Map<string, number>> {
  const moved = tasks.flatMap(({ taskId, parentId }) => (taskId && parentId != null ? [taskId] : []))
  if (moved.length === 0) return new Map()
  const rows = await ctx.db.$queryRaw<{ id: string; height: number }[]>`
    WITH RECURSIVE below(top, "id", level) AS (
      SELECT one, one, 0 FROM unnest(${moved}::uuid[]) AS one
      UNION ALL SELECT top, task."id", level + 1 FROM below JOIN "Task" AS task ON task."parentId" = below."id"
        WHERE level <= ${MOST_ANCESTORS}::int
    ) SELECT top::text AS id, max(level)::int AS height FROM below GROUP BY top`
  return new Map(rows.map(({ id, height }) => [id, height]))
}

async function findMembers(ctx: Context, tasks: readonly Links[]): Promise<Set<string>> {
  const people = [...new Set(tasks.flatMap((task) => task.assigneeIds ?? []))]
  if (people.length === 0) return new Set()
  const projects = [...new Set(tasks.flatMap((task) => (task.assigneeIds?.length ? [task.projectId] : [])))]
  const members = await ctx.db.membership.findMany({
    where: { userId: { in: padToPowerOfTwo(people) }, projectId: { in: padToPowerOfTwo(projects) } },
    select: { projectId: true, userId: true },
  })
  return new Set(members.map(({ projectId, userId }) => `${projectId} ${userId}`))
}

async function findLabels(ctx: Context, given: readonly string[]): Promise<Map<string, string>> {
  if (given.length === 0) return new Map()
  const labels = await ctx.db.label.findMany({
    where: { id: { in: padToPowerOfTwo([...new Set(given)]) }, project: visibleProjects(requireViewer(ctx)) },
    select: { id: true, projectId: true },
  })
  return new Map(labels.map(({ id, projectId }) => [id, projectId]))
}

/** The rules of the tree of sub-tasks, by the names the database has for them: it checks them again, as requests may cross. */
const TREE_RULES = {
  'no cycle': 'would make the task its own ancestor',
  depth: 'is too deep: sub-tasks nest at most 10 levels',
  'same project': 'is a task of another project',
} as const

type TreeRule = keyof typeof TREE_RULES

const MOST_ANCESTORS = 10

function brokenTreeRule(
  parentOf: ReadonlyMap<string, string | null>,
  parentId: string,
  taskId: string | undefined,
  heights: ReadonlyMap<string, number>,
): TreeRule | undefined {
  let ancestors = 0
  for (let one: string | null | undefined = parentId; one && ancestors <= MOST_ANCESTORS; one = parentOf.get(one)) {
    if (one === taskId) return 'no cycle'
    ancestors++
  }
  return ancestors + (heights.get(taskId ?? '') ?? 0) > MOST_ANCESTORS ? 'depth' : undefined
}

/** What is above a task that was put there is at least as much higher. */
function growAbove(parentOf: ReadonlyMap<string, string | null>, heights: Map<string, number>, taskId: string): void {
  let height = heights.get(taskId) ?? 0
  for (let one = parentOf.get(taskId); one; one = parentOf.get(one)) {
    height++
    heights.set(one, Math.max(heights.get(one) ?? 0, height))
  }
}

function treeIssue(rule: TreeRule): Issue {
  return { path: ['parentId'], code: rule.replaceAll(' ', '_'), message: TREE_RULES[rule] }
}

/**
 * What the database says of a parent, or of links that changed since they were checked, as an error at its place in the
 * input; anything else as it is.
 */
export function explainLinks(error: unknown, path: Issue['path'] = ['input']): unknown {
  const known = toAppError(error)
  const [issue] = known?.issues ?? []
  if (!known || !issue) return error
  const [column] = issue.path
  if (column === 'parentId' && Object.hasOwn(TREE_RULES, issue.code))
    return linkError([{ ...treeIssue(issue.code as TreeRule), path: [...path, 'parentId'] }])
  if (column === 'labelIds' || column === 'labelId')
    return linkError([{ path: [...path, 'labelIds'], code: 'not_found', message: 'A label is not there any more.' }])
  if (column === 'userId')
    return linkError([{ path: [...path, 'assigneeIds'], code: 'not_a_member', message: 'is no member of the project' }])
  return error
}
