import type { Viewer } from '../../auth/viewer.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { ProjectRole } from '../../generated/prisma/enums.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import {
  inVisibleProject,
  type NamedId,
  requireAllSeen,
  requireRole,
  roleSelection,
  visibleProjects,
} from '../projects/policy.ts'
import { idOf } from './key-type.ts'
import type { TaskQuery } from './rows.ts'

/** Live tasks, tasks in the trash, or both. */
type TrashScope = 'live' | 'deleted' | 'either'

const TRASH_SCOPES = {
  live: { deletedAt: null },
  deleted: { deletedAt: { not: null } },
  either: {},
} satisfies Record<TrashScope, Prisma.TaskWhereInput>

/**
 * Filters rows that belong to a task, like comments: the viewer sees those on tasks that they see
 * and that are not in the trash.
 */
export const onVisibleTask = (viewer: Viewer) => ({ task: { deletedAt: null }, project: visibleProjects(viewer) })

/** Returns the same filter as SQL. */
export function onVisibleTaskSql(viewer: Viewer): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT FROM "Task" WHERE "Task"."id" = "taskId" AND "Task"."deletedAt" IS NULL)
    AND ${inVisibleProject(viewer, Prisma.sql`"projectId"`)}`
}

/** Finds a visible task by id or key. Returns null if it is unknown or hidden. */
export async function findTask<Query extends TaskQuery>(
  ctx: Context,
  idOrKey: string,
  query: Query,
  trashScope: TrashScope = 'live',
) {
  const where = await visibleTask(ctx, idOrKey, trashScope)
  return where && ctx.db.task.findFirst({ ...query, where })
}

async function visibleTask(ctx: Context, idOrKey: string, trashScope: TrashScope) {
  const viewer = requireViewer(ctx)
  const id = await idOf(ctx, idOrKey)
  return id === undefined ? null : { id, ...TRASH_SCOPES[trashScope], project: visibleProjects(viewer) }
}

/** The columns that checks of a change need. */
export interface FoundTask {
  id: string
  projectId: string
  parentId: string | null
  assigneeIds: string[]
  startAt: Date | null
  dueAt: Date | null
  dueOn: Date | null
}

/**
 * Returns a task if the viewer has the role in its project, EDITOR by default. Throws
 * NOT_FOUND or FORBIDDEN.
 */
export async function requireTask(
  ctx: Context,
  idOrKey: string,
  {
    needed = 'EDITOR',
    trashScope = 'live',
    path = ['id'],
  }: {
    needed?: ProjectRole
    trashScope?: TrashScope
    path?: (string | number)[]
  } = {},
): Promise<FoundTask> {
  const viewer = requireViewer(ctx)
  const select = {
    id: true,
    projectId: true,
    parentId: true,
    assigneeIds: true,
    startAt: true,
    dueAt: true,
    dueOn: true,
    project: { select: roleSelection(viewer) },
  } as const
  const where = await visibleTask(ctx, idOrKey, trashScope)
  const task = where && (await ctx.db.task.findFirst({ select, where }))
  if (!task) throw taskNotFound(idOrKey, path)
  const { id: taskId, projectId } = task
  requireRole(ctx, task.project, needed, {
    projectId,
    taskId,
    absent: () => taskNotFound(idOrKey, path),
  })
  return task
}

/**
 * Throws NOT_FOUND unless the viewer sees all these tasks. `ids` maps what was given to task ids.
 */
export async function requireVisibleTasks(
  ctx: Context,
  named: readonly NamedId[],
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  if (named.length === 0) return
  const viewer = requireViewer(ctx)
  const wanted = [...new Set(named.flatMap(({ id }) => ids.get(id) ?? []))]
  const seen = await ctx.db.task.findMany({
    where: { id: { in: wanted }, deletedAt: null, project: visibleProjects(viewer) },
    select: { id: true, projectId: true },
  })
  const found = new Map(seen.map(({ id, projectId }) => [id, projectId]))
  const projectOf = named.flatMap(({ id }): [string, string][] => {
    const projectId = found.get(ids.get(id) ?? '')
    return projectId === undefined ? [] : [[id.toLowerCase(), projectId]]
  })
  requireAllSeen(ctx, named, new Map(projectOf), 'task')
}

export function taskNotFound(id: string, path: (string | number)[] = ['id']): AppError {
  return new AppError('NOT_FOUND', unknownTask(id), { path })
}

export const unknownTask = (id: string) => `Task ${JSON.stringify(id)} does not exist or you cannot see it.`
