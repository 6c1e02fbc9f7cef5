import { v7 as uuidv7 } from 'uuid'
import type { Context } from '../../../request/context.ts'
import { requireViewer } from '../../../request/viewer.ts'
import {
  type ProjectAccess,
  projectNotFound,
  roleRefusal,
  roleSelection,
  visibleProjects,
} from '../../projects/policy.ts'
import type { CreateTaskValues } from '../input.ts'
import { idsOf } from '../key-type.ts'
import { linkErrorCode } from '../link-errors.ts'
import { checkLinks, type TaskLinks } from '../links.ts'
import type { TaskQuery } from '../rows.ts'
import { NO_INBOX, newTask } from '../service.ts'
import { type BatchResult, type Item, runBatch } from './batch.ts'
import { type Batch, bulkCreateItemRules } from './input.ts'
import { insertTasks } from './statements.ts'

/** Creates up to 1,000 tasks. Each item is checked like createTask, and fails on its own. */
export async function bulkCreateTasks(ctx: Context, batch: Batch, query: TaskQuery): Promise<BatchResult> {
  const viewer = requireViewer(ctx)
  const rows = new Map<number, { projectId: string; links: TaskLinks }>()
  return runBatch<CreateTaskValues>(ctx, batch, query, {
    rules: bulkCreateItemRules,
    lock: (items) => (items.some(({ values }) => values.parentId != null) ? 'shared' : null),

    async check(within, items, fail) {
      const parentProjects = await projectsOfParents(within, items)
      const placed = items.map((item) => {
        const { projectId, parentId } = item.values
        return { item, projectId: projectId ?? parentProjects.get(parentId ?? '') ?? viewer.inboxId }
      })
      const projects = await findProjects(within, [...new Set(placed.flatMap(({ projectId }) => projectId ?? []))])
      const path = ['projectId']
      const good = placed.flatMap(({ item, projectId }) => {
        const project = projectId == null ? undefined : projects.get(projectId.toLowerCase())
        const refusal = project && roleRefusal(viewer, project, 'EDITOR')
        if (projectId == null) fail(item.index, 'VALIDATION_FAILED', [{ path, code: 'required', message: NO_INBOX }])
        else if (!project)
          fail(item.index, 'NOT_FOUND', [
            {
              path,
              code: 'not_found',
              message: `Project ${JSON.stringify(projectId)} does not exist or you cannot see it.`,
            },
          ])
        else if (refusal)
          fail(item.index, refusal.code, [{ path, code: refusal.code.toLowerCase(), message: refusal.message }])
        else {
          const absent = () => projectNotFound(projectId, ['input', 'items', item.index, 'projectId'])
          within.grants?.useRole('EDITOR', { projectId, absent })
          return [{ item, projectId: projectId.toLowerCase() }]
        }
        return []
      })
      const links = await checkLinks(
        within,
        good.map(({ item, projectId }) => ({ ...item.values, projectId })),
      )
      for (const [place, { item, projectId }] of good.entries()) {
        const checked = links[place]
        if (checked && checked.issues.length === 0) rows.set(item.index, { projectId, links: checked })
        else if (checked) fail(item.index, linkErrorCode(checked.issues), checked.issues)
      }
    },

    async apply({ db }, items) {
      const tasks = items.flatMap(({ index, values }) => {
        const row = rows.get(index)
        return row ? [{ id: uuidv7(), ...newTask(viewer.id, row.projectId, values, row.links) }] : []
      })
      // Numbering a task locks its project. Locking them in one order keeps two
      // batches from deadlocking.
      await db.$executeRaw`SELECT FROM "Project" WHERE "id" = ANY(${[...new Set(tasks.map(({ projectId }) => projectId))]}::uuid[])
        ORDER BY "id" FOR NO KEY UPDATE`
      await db.$executeRaw(insertTasks(tasks))
      return tasks.map(({ id }) => id)
    },
  })
}

/**
 * Finds the projects of parents, for items that give no project. An invisible parent fails with
 * the other links.
 */
async function projectsOfParents(ctx: Context, items: readonly Item<CreateTaskValues>[]): Promise<Map<string, string>> {
  const parents = items.flatMap(({ values }) => (values.projectId == null ? (values.parentId ?? []) : []))
  if (parents.length === 0) return new Map()
  const ids = await idsOf(ctx, parents)
  const tasks = await ctx.db.task.findMany({
    where: { id: { in: [...new Set(ids.values())] }, project: visibleProjects(requireViewer(ctx)) },
    select: { id: true, projectId: true },
  })
  const projects = new Map(tasks.map(({ id, projectId }) => [id, projectId]))
  return new Map([...ids].flatMap(([parent, id]) => (projects.has(id) ? [[parent, projects.get(id) ?? '']] : [])))
}

/** Finds visible projects by id. */
async function findProjects(ctx: Context, ids: readonly string[]): Promise<Map<string, ProjectAccess>> {
  const viewer = requireViewer(ctx)
  if (ids.length === 0) return new Map()
  const projects = await ctx.db.project.findMany({
    where: { id: { in: [...ids] }, ...visibleProjects(viewer) },
    select: { id: true, ...roleSelection(viewer) },
  })
  return new Map(projects.map((project) => [project.id, project]))
}
