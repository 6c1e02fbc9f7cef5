import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { ProjectRole } from '../../generated/prisma/enums.ts'
import { isId } from '../../rules.ts'
import { requireRole, visibleProjects } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'

type TaskQuery = Pick<Prisma.TaskFindFirstArgs, 'select' | 'include'>

/** A task the viewer may read, or null: not there, deleted and invisible are the same. */
export function findTask<Query extends TaskQuery>(ctx: Context, id: string, query: Query) {
  const viewer = requireViewer(ctx)
  if (!isId(id)) return Promise.resolve(null)
  return ctx.db.task.findFirst({ ...query, where: { id, deletedAt: null, project: visibleProjects(viewer) } })
}

/** Makes sure that the viewer may change the task (EDITOR of its project). */
export async function requireTask(ctx: Context, id: string, needed: ProjectRole): Promise<void> {
  const viewer = requireViewer(ctx)
  const memberships = { where: { userId: viewer.id }, select: { role: true } }
  const task = isId(id)
    ? await ctx.db.task.findFirst({
        where: { id, deletedAt: null, project: visibleProjects(viewer) },
        select: { project: { select: { memberships } } },
      })
    : null
  if (!task) throw taskNotFound(id)
  requireRole(viewer, task.project.memberships[0]?.role, needed)
}

export function taskNotFound(id: string): AppError {
  return new AppError('NOT_FOUND', `There is no task ${JSON.stringify(id)}.`, { path: ['id'] })
}
