import { AppError } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { type ExpectedRow, updateVersioned, type Version } from '../../schema/versioned.ts'
import { requireProject } from '../projects/policy.ts'
import { formatDay, optionalDay } from './dates.ts'
import type { CreateTaskValues, ReplaceTaskValues, UpdateTaskValues } from './input.ts'
import { checkLinks, requireLinks, type TaskLinks } from './links.ts'
import { type FoundTask, findTask, requireTask, taskNotFound } from './policy.ts'
import type { TaskQuery } from './rows.ts'
import { withTreeLock } from './tree.ts'

/**
 * Creates a task, by default in the project of its parent or in the viewer's Inbox. Needs EDITOR
 * on the project.
 */
export async function createTask(ctx: Context, input: CreateTaskValues, query: TaskQuery) {
  const viewer = requireViewer(ctx)
  const projectId = input.projectId ?? (await projectOfParent(ctx, input.parentId)) ?? viewer.inboxId
  if (!projectId) {
    const path = ['input', 'projectId']
    throw new AppError('VALIDATION_FAILED', `${path.join('.')}: ${NO_INBOX}`, { path })
  }
  await requireProject(ctx, projectId, 'EDITOR', ['input', 'projectId'])
  const links = await requireLinks(ctx, { ...input, projectId })
  const data = newTask(viewer.id, projectId, input, links)
  return withTreeLock(ctx, data.parentId === null ? null : 'shared', (db) => db.task.create({ ...query, data }))
}

export const NO_INBOX = 'is required because you have no Inbox'

async function projectOfParent(ctx: Context, parentId: string | null | undefined): Promise<string | undefined> {
  if (parentId == null) return undefined
  return (await findTask(ctx, parentId, { select: { projectId: true } }))?.projectId
}

/** Returns the row of a new task. */
export function newTask(creatorId: string, projectId: string, input: ReplaceTaskValues, links: TaskLinks) {
  return { ...withDefaults(input, links), projectId, creatorId, updatedById: creatorId }
}

export async function getTask(ctx: Context, id: string, query: TaskQuery) {
  const task = await findTask(ctx, id, query)
  if (!task) throw taskNotFound(id)
  return task
}

/** Updates the given fields of a task. Needs EDITOR. */
export async function updateTask(
  ctx: Context,
  id: string,
  input: UpdateTaskValues,
  version: Version,
  query: TaskQuery,
) {
  const task = await requireTask(ctx, id)
  const links = await requireLinks(ctx, { ...input, ...linkContext(task) })
  return changeTask(ctx, task.id, changedTask(input, links), version, query)
}

const linkContext = (task: FoundTask) => ({ taskId: task.id, projectId: task.projectId, now: task })

/** Returns the changes to a row. The rules have already rejected null for required fields. */
export function changedTask(input: UpdateTaskValues, { parentId, assigneeIds, labelIds }: TaskLinks) {
  const { title, description, status, priority, startAt, dueAt, dueOn } = input
  return {
    title: title ?? undefined,
    status: status ?? undefined,
    priority: priority ?? undefined,
    description,
    startAt,
    dueAt,
    dueOn: optionalDay(dueOn),
    parentId,
    assigneeIds,
    labelIds,
  }
}

/** Replaces all fields of a task. Absent fields take their defaults. Needs EDITOR. */
export async function replaceTask(
  ctx: Context,
  id: string,
  input: ReplaceTaskValues,
  version: Version,
  query: TaskQuery,
) {
  const task = await requireTask(ctx, id)
  const { startAt = null, dueAt = null, dueOn = null } = input
  const links = await requireLinks(ctx, { ...input, startAt, dueAt, dueOn, ...linkContext(task) })
  return changeTask(ctx, task.id, withDefaults(input, links), version, query)
}

/** Moves a task to the trash. Needs EDITOR. */
export async function deleteTask(ctx: Context, id: string, version: Version, query: TaskQuery) {
  const task = await requireTask(ctx, id)
  return changeTask(ctx, task.id, { deletedAt: new Date() }, version, query)
}

/** Restores a task from the trash. Does nothing to a live task. Needs EDITOR. */
export async function restoreTask(ctx: Context, id: string, version: Version, query: TaskQuery) {
  const task = await requireTask(ctx, id, { trashScope: 'either' })
  return changeTask(ctx, task.id, { deletedAt: null }, version, query, 'either')
}

/**
 * Copies a task as PENDING, without assignees who have left the project or a parent in the trash.
 * Needs EDITOR.
 */
export async function duplicateTask(ctx: Context, id: string, title: string | null | undefined, query: TaskQuery) {
  const viewer = requireViewer(ctx)
  const found = await requireTask(ctx, id)
  const task = await getTask(ctx, found.id, {})
  const { description, priority, startAt, dueAt, projectId } = task
  const dueOn = task.dueOn && formatDay(task.dueOn)
  const [checked] = await checkLinks(ctx, [task])
  const isInvalid = (field: string, index?: number) =>
    checked?.issues.some(({ path }) => path[0] === field && (index === undefined || path[1] === index))
  const data = newTask(
    viewer.id,
    projectId,
    { title: title ?? task.title, description, priority, startAt, dueAt, dueOn },
    {
      parentId: isInvalid('parentId') ? null : task.parentId,
      assigneeIds: task.assigneeIds.filter((_, index) => !isInvalid('assigneeIds', index)),
      labelIds: task.labelIds,
    },
  )
  return withTreeLock(ctx, data.parentId === null ? null : 'shared', (db) => db.task.create({ ...query, data }))
}

/**
 * Writes a change if the version still matches, so that only the first of two changes to
 * a version succeeds.
 */
async function changeTask(
  ctx: Context,
  id: string,
  data: Prisma.TaskUncheckedUpdateInput,
  version: Version,
  query: TaskQuery,
  trashScope: 'live' | 'either' = 'live',
) {
  const viewer = requireViewer(ctx)
  return updateVersioned(expectedTask(ctx, id, version, trashScope), (where) =>
    withTreeLock(ctx, data.parentId == null ? null : 'alone', (db) =>
      db.task.update({
        ...query,
        where: { ...where, ...(trashScope === 'live' && { deletedAt: null }) },
        data: { ...data, updatedById: viewer.id },
      }),
    ),
  )
}

/** Describes the task a change is based on. It may have been deleted since it was checked. */
export function expectedTask(
  ctx: Context,
  id: string,
  version: Version,
  trashScope: 'live' | 'either' = 'live',
): ExpectedRow {
  return {
    noun: 'task',
    id,
    version,
    present: () => findTask(ctx, id, { select: { version: true } }, trashScope),
    absent: () => taskNotFound(id),
  }
}

function withDefaults(
  { title, description, status, priority, startAt, dueAt, dueOn }: ReplaceTaskValues,
  { parentId, assigneeIds, labelIds }: TaskLinks,
) {
  return {
    title,
    description: description ?? null,
    status: status ?? 'PENDING',
    priority: priority ?? 1,
    startAt: startAt ?? null,
    dueAt: dueAt ?? null,
    dueOn: optionalDay(dueOn) ?? null,
    parentId: parentId ?? null,
    assigneeIds: assigneeIds ?? [],
    labelIds: labelIds ?? [],
  } as const
}
