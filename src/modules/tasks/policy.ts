import type { Context } from '../../context.ts'
import { padToPowerOfTwo } from '../../database/statement-names.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { ProjectRole } from '../../generated/prisma/enums.ts'
import { type NamedId, refuseUnseen, requireRole, visibleProjects } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import { idOf } from './keys.ts'

type TaskQuery = Pick<Prisma.TaskFindFirstArgs, 'select' | 'include'>

/** Which tasks are looked for: those in use, those in the trash, or either. */
type Whereabouts = 'live' | 'deleted' | 'either'

const WHEREABOUTS = {
  live: { deletedAt: null },
  deleted: { deletedAt: { not: null } },
  either: {},
} satisfies Record<Whereabouts, Prisma.TaskWhereInput>

/** A task the viewer may read, by id or key; null where there is none to be seen: not there and invisible are the same. */
export async function findTask<Query extends TaskQuery>(
  ctx: Context,
  idOrKey: string,
  query: Query,
  whereabouts: Whereabouts = 'live',
) {
  const where = await visibleTask(ctx, idOrKey, whereabouts)
  return where && ctx.db.task.findFirst({ ...query, where })
}

/** What the task has to meet to be seen; null where there is no such key. */
async function visibleTask(ctx: Context, idOrKey: string, whereabouts: Whereabouts) {
  const viewer = requireViewer(ctx)
  const id = await idOf(ctx, idOrKey)
  return id === undefined ? null : { id, ...WHEREABOUTS[whereabouts], project: visibleProjects(viewer) }
}

/** What a change of a task has to know of it. */
export interface FoundTask {
  id: string
  projectId: string
  parentId: string | null
  assigneeIds: string[]
}

/** The task, by id or key, which the viewer may change (EDITOR of its project, unless told). */
export async function requireTask(
  ctx: Context,
  idOrKey: string,
  {
    needed = 'EDITOR',
    whereabouts = 'live',
    path = ['id'],
  }: {
    needed?: ProjectRole
    whereabouts?: Whereabouts
    path?: (string | number)[]
  } = {},
): Promise<FoundTask> {
  const viewer = requireViewer(ctx)
  const memberships = { where: { userId: viewer.id }, select: { role: true } }
  const select = {
    id: true,
    projectId: true,
    parentId: true,
    assigneeIds: true,
    project: { select: { memberships } },
  } as const
  const where = await visibleTask(ctx, idOrKey, whereabouts)
  const task = where && (await ctx.db.task.findFirst({ select, where }))
  if (!task) throw taskNotFound(idOrKey, path)
  requireRole(viewer, task.project.memberships[0]?.role, needed)
  return task
}

/** Makes sure that the viewer sees all these tasks; `ids` are those of what is there. */
export async function requireVisibleTasks(
  ctx: Context,
  named: readonly NamedId[],
  ids: ReadonlyMap<string, string>,
): Promise<void> {
  if (named.length === 0) return
  const viewer = requireViewer(ctx)
  const wanted = padToPowerOfTwo([...new Set(named.flatMap(({ id }) => ids.get(id) ?? []))])
  const seen = await ctx.db.task.findMany({
    where: { id: { in: wanted }, deletedAt: null, project: visibleProjects(viewer) },
    select: { id: true },
  })
  const found = new Set(seen.map(({ id }) => id))
  refuseUnseen(
    named,
    new Set(named.flatMap(({ id }) => (found.has(ids.get(id) ?? '') ? [id.toLowerCase()] : []))),
    'task',
  )
}

export function taskNotFound(id: string, path: (string | number)[] = ['id']): AppError {
  return new AppError('NOT_FOUND', `There is no task ${JSON.stringify(id)}.`, { path })
}
