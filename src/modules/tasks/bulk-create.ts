import { v7 as uuidv7 } from 'uuid'
import type { Context } from '../../context.ts'
import { padToPowerOfTwo } from '../../database/statement-names.ts'
import { reaches, visibleProjects } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import { type BatchResult, type Item, runBatch } from './bulk.ts'
import { type Batch, bulkCreateItemRules } from './bulk-input.ts'
import { insertTasks } from './bulk-sql.ts'
import type { CreateTaskValues } from './input.ts'
import { idsOf } from './keys.ts'
import { type CheckedLinks, checkLinks } from './links.ts'
import { newTask, type TaskQuery } from './service.ts'

/** Creates up to 1,000 tasks. Each needs what createTask needs, and fails by itself. */
export async function bulkCreateTasks(ctx: Context, batch: Batch, query: TaskQuery): Promise<BatchResult> {
  const viewer = requireViewer(ctx)
  const rows = new Map<number, { projectId: string; links: CheckedLinks }>()
  return runBatch<CreateTaskValues>(ctx, batch, query, {
    rules: bulkCreateItemRules,
    lock: (items) => (items.some(({ values }) => values.parentId != null) ? 'shared' : null),

    async check(within, items, fail) {
      const homes = await projectsOfParents(within, items)
      const placed = items.map((item) => {
        const { projectId, parentId } = item.values
        return { item, projectId: projectId ?? homes.get(parentId ?? '') ?? viewer.inboxId }
      })
      const roles = await rolesIn(within, [...new Set(placed.flatMap(({ projectId }) => projectId ?? []))])
      const path = ['projectId']
      const good = placed.flatMap(({ item, projectId }) => {
        const role = projectId == null ? undefined : roles.get(projectId.toLowerCase())
        if (projectId == null)
          fail(item.index, 'VALIDATION_FAILED', [
            { path, code: 'required', message: 'is required, as you have no Inbox' },
          ])
        else if (role === undefined)
          fail(item.index, 'NOT_FOUND', [
            { path, code: 'not_found', message: `There is no project ${JSON.stringify(projectId)}.` },
          ])
        else if (!role)
          fail(item.index, 'FORBIDDEN', [
            { path, code: 'forbidden', message: 'This needs the role EDITOR in the project.' },
          ])
        else return [{ item, projectId: projectId.toLowerCase() }]
        return []
      })
      const links = await checkLinks(
        within,
        good.map(({ item, projectId }) => ({ ...item.values, projectId })),
      )
      for (const [place, { item, projectId }] of good.entries()) {
        const checked = links[place]
        if (checked && checked.issues.length === 0) rows.set(item.index, { projectId, links: checked })
        else if (checked) fail(item.index, failureOf(checked), checked.issues)
      }
    },

    async apply({ db }, items) {
      const tasks = items.flatMap(({ index, values }) => {
        const row = rows.get(index)
        return row ? [{ id: uuidv7(), ...newTask(viewer.id, row.projectId, values, row.links) }] : []
      })
      // Each holds its project for its number: in one order, so that two batches do not wait for each other.
      await db.$executeRaw`SELECT FROM "Project" WHERE "id" = ANY(${[...new Set(tasks.map(({ projectId }) => projectId))]}::uuid[])
        ORDER BY "id" FOR NO KEY UPDATE`
      await db.$executeRaw(insertTasks(tasks))
      return tasks.map(({ id }) => id)
    },
  })
}

/** What an item fails with whose links are not right. */
export const failureOf = ({ issues }: Pick<CheckedLinks, 'issues'>) =>
  issues.some((issue) => issue.code === 'not_found') ? 'NOT_FOUND' : 'VALIDATION_FAILED'

/** Where tasks go that name a parent and no project: by parent. Whether it may be seen is asked with the other links. */
async function projectsOfParents(ctx: Context, items: readonly Item<CreateTaskValues>[]): Promise<Map<string, string>> {
  const parents = items.flatMap(({ values }) => (values.projectId == null ? (values.parentId ?? []) : []))
  if (parents.length === 0) return new Map()
  const ids = await idsOf(ctx, parents)
  const tasks = await ctx.db.task.findMany({
    where: { id: { in: padToPowerOfTwo([...new Set(ids.values())]) }, project: visibleProjects(requireViewer(ctx)) },
    select: { id: true, projectId: true },
  })
  const projects = new Map(tasks.map(({ id, projectId }) => [id, projectId]))
  return new Map([...ids].flatMap(([parent, id]) => (projects.has(id) ? [[parent, projects.get(id) ?? '']] : [])))
}

/** Of the projects the viewer sees, whether they may write tasks there. */
async function rolesIn(ctx: Context, ids: readonly string[]): Promise<Map<string, boolean>> {
  const viewer = requireViewer(ctx)
  if (ids.length === 0) return new Map()
  const projects = await ctx.db.project.findMany({
    where: { id: { in: padToPowerOfTwo(ids) }, ...visibleProjects(viewer) },
    select: { id: true, memberships: { where: { userId: viewer.id }, select: { role: true } } },
  })
  return new Map(
    projects.map(({ id, memberships: [member] }) => [
      id,
      viewer.role === 'ADMIN' || (member !== undefined && reaches(member.role, 'EDITOR')),
    ]),
  )
}
