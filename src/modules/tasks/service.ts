import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { type Connection, loadPage } from '../../pagination.ts'
import { versionDiffers } from '../conflicts.ts'
import { requireProject, visibleProjectsSql } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import { taskCondition } from './filter.ts'
import type { CreateTaskValues, ListTasksValues, ReplaceTaskValues, UpdateTaskValues } from './input.ts'
import { taskOrder } from './order.ts'
import { findTask, requireTask, taskNotFound } from './policy.ts'

type TaskQuery = Pick<Prisma.TaskFindManyArgs, 'select' | 'include'>
type TaskRow = Prisma.TaskGetPayload<Record<never, never>>

/** Needs EDITOR on the project; without one the task goes to the viewer's Inbox. */
export async function createTask(ctx: Context, input: CreateTaskValues, query: TaskQuery) {
  const viewer = requireViewer(ctx)
  const path = ['input', 'projectId']
  const projectId = input.projectId ?? viewer.inboxId
  if (!projectId)
    throw new AppError('VALIDATION_FAILED', 'input.projectId: is required, as you have no Inbox', { path })
  await requireProject(ctx, projectId, 'EDITOR', path)
  return ctx.db.task.create({
    ...query,
    data: { ...withDefaults(input), projectId, creatorId: viewer.id, updatedById: viewer.id },
  })
}

export async function getTask(ctx: Context, id: string, query: TaskQuery) {
  const task = await findTask(ctx, id, query)
  if (!task) throw taskNotFound(id)
  return task
}

/** The tasks the viewer sees that pass the filter, oldest first unless ordered otherwise. */
export async function listTasks(ctx: Context, args: ListTasksValues, query: TaskQuery): Promise<Connection<TaskRow>> {
  const viewer = requireViewer(ctx)
  const filter = args.filter ?? {}
  if (filter.projectId) await requireProject(ctx, filter.projectId, 'VIEWER', ['filter', 'projectId'])
  const visible = filter.projectId ? undefined : visibleProjectsSql(viewer, Prisma.sql`"Task"."projectId"`)
  return loadPage<TaskRow>(ctx.db, args, {
    table: 'Task',
    where: taskCondition(filter, visible),
    order: taskOrder(args.orderBy),
    load: (ids) => ctx.db.task.findMany({ ...query, where: { id: { in: ids } } }),
  })
}

/** Needs EDITOR. Absent fields stay, null clears. */
export async function updateTask(
  ctx: Context,
  id: string,
  input: UpdateTaskValues,
  version: Version,
  query: TaskQuery,
) {
  await requireTask(ctx, id, 'EDITOR')
  const { title, description, status, priority, dueAt } = input
  // The rules refused null where a field cannot be cleared: what is left of it here is only its type.
  const data = {
    title: title ?? undefined,
    status: status ?? undefined,
    priority: priority ?? undefined,
    description,
    dueAt,
  }
  return changeTask(ctx, id, data, version, query)
}

/** Needs EDITOR. Absent fields take their defaults. */
export async function replaceTask(
  ctx: Context,
  id: string,
  input: ReplaceTaskValues,
  version: Version,
  query: TaskQuery,
) {
  await requireTask(ctx, id, 'EDITOR')
  return changeTask(ctx, id, withDefaults(input), version, query)
}

/** Needs EDITOR. The row stays, marked as deleted. */
export async function deleteTask(ctx: Context, id: string, version: Version, query: TaskQuery) {
  await requireTask(ctx, id, 'EDITOR')
  return changeTask(ctx, id, { deletedAt: new Date() }, version, query)
}

type Version = number | null | undefined

/** The version is part of the condition: whoever comes second with the same one changes nothing. */
async function changeTask(
  ctx: Context,
  id: string,
  data: Prisma.TaskUncheckedUpdateInput,
  version: Version,
  query: TaskQuery,
) {
  const viewer = requireViewer(ctx)
  try {
    return await ctx.db.task.update({
      ...query,
      where: { id, deletedAt: null, ...(version != null && { version }) },
      data: { ...data, updatedById: viewer.id },
    })
  } catch (error) {
    if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2025') throw error
    const present = await findTask(ctx, id, { select: { version: true } })
    if (!present) throw taskNotFound(id)
    throw versionDiffers('task', present.version, version)
  }
}

function withDefaults({ title, description, status, priority, dueAt }: ReplaceTaskValues) {
  return {
    title,
    description: description ?? null,
    status: status ?? 'PENDING',
    priority: priority ?? 1,
    dueAt: dueAt ?? null,
  } as const
}
