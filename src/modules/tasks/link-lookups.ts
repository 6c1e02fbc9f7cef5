import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { visibleProjects } from '../projects/policy.ts'
import { idsOf } from './key-type.ts'
import { MAX_ANCESTORS } from './tree-rules.ts'

interface Parents {
  /** Live, visible parents by the id or key given for them. */
  visible: Map<string, { id: string; projectId: string }>
  /** Parent of each of them and of each of their ancestors. */
  parentOf: Map<string, string | null>
}

/** Finds live, visible tasks by the ids or keys given for them, which `ids` resolves. */
export async function findVisibleTasks(ctx: Context, ids: ReadonlyMap<string, string>): Promise<Parents['visible']> {
  const visible: Parents['visible'] = new Map()
  if (ids.size === 0) return visible
  const wanted = [...new Set(ids.values())]
  const rows = await ctx.db.task.findMany({
    where: { id: { in: wanted }, deletedAt: null, project: visibleProjects(requireViewer(ctx)) },
    select: { id: true, projectId: true },
  })
  const byId = new Map(rows.map((row) => [row.id, row]))
  for (const [name, id] of ids) {
    const row = byId.get(id)
    if (row) visible.set(name, row)
  }
  return visible
}

export async function findParents(ctx: Context, given: readonly string[]): Promise<Parents> {
  if (given.length === 0) return { visible: new Map(), parentOf: new Map() }
  const ids = await idsOf(ctx, given)
  const visible = await findVisibleTasks(ctx, ids)
  const wanted = [...new Set(ids.values())]
  const chain = await ctx.db.$queryRaw<{ id: string; parentId: string | null }[]>`
    WITH RECURSIVE chain AS (
      SELECT "id", "parentId" FROM "Task" WHERE "id" = ANY(${wanted}::uuid[])
      UNION SELECT above."id", above."parentId" FROM chain JOIN "Task" AS above ON above."id" = chain."parentId"
    ) SELECT "id"::text AS id, "parentId"::text AS "parentId" FROM chain`
  return { visible, parentOf: new Map(chain.map(({ id, parentId }) => [id, parentId])) }
}

/** Counts the levels of sub-tasks below each task. */
export async function findHeights(ctx: Context, taskIds: readonly string[]): Promise<Map<string, number>> {
  if (taskIds.length === 0) return new Map()
  const rows = await ctx.db.$queryRaw<{ id: string; height: number }[]>`
    WITH RECURSIVE below(top, "id", level) AS (
      SELECT one, one, 0 FROM unnest(${taskIds}::uuid[]) AS one
      UNION ALL SELECT top, task."id", level + 1 FROM below JOIN "Task" AS task ON task."parentId" = below."id"
        WHERE level <= ${MAX_ANCESTORS}::int
    ) SELECT top::text AS id, max(level)::int AS height FROM below GROUP BY top`
  return new Map(rows.map(({ id, height }) => [id, height]))
}

/** Finds memberships of these people in these projects. Returns them as "projectId userId". */
export async function findMembers(
  ctx: Context,
  people: readonly string[],
  projects: readonly string[],
): Promise<Set<string>> {
  if (people.length === 0) return new Set()
  const members = await ctx.db.membership.findMany({
    where: {
      userId: { in: [...new Set(people)] },
      projectId: { in: [...new Set(projects)] },
    },
    select: { projectId: true, userId: true },
  })
  return new Set(members.map(({ projectId, userId }) => `${projectId} ${userId}`))
}

/** Finds visible labels. Returns the project of each. */
export async function findLabels(ctx: Context, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const labels = await ctx.db.label.findMany({
    where: { id: { in: [...new Set(ids)] }, project: visibleProjects(requireViewer(ctx)) },
    select: { id: true, projectId: true },
  })
  return new Map(labels.map(({ id, projectId }) => [id, projectId]))
}
