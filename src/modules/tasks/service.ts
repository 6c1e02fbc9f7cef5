import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { versionDiffers } from '../conflicts.ts'
import { requireProject } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import type { CreateTaskValues, ReplaceTaskValues, UpdateTaskValues } from './input.ts'
import { type CheckedLinks, checkLinks, requireLinks } from './links.ts'
import { type FoundTask, findTask, requireTask, taskNotFound } from './policy.ts'
import { inTree } from './tree.ts'

export type TaskQuery = Pick<Prisma.TaskFindManyArgs, 'select' | 'include'>
type Version = number | null | undefined

/** Needs EDITOR on the project; without one the task goes to its parent's project, else to the viewer's Inbox. */
export async function createTask(ctx: Context, input: CreateTaskValues, query: TaskQuery) {
  const viewer = requireViewer(ctx)
  const projectId = input.projectId ?? (await projectOfParent(ctx, input.parentId)) ?? viewer.inboxId
  if (!projectId) throw withoutProject()
  await requireProject(ctx, projectId, 'EDITOR', ['input', 'projectId'])
  const links = await requireLinks(ctx, { ...input, projectId })
  const data = newTask(viewer.id, projectId, input, links)
  return inTree(ctx, data.parentId === null ? null : 'shared', (db) => db.task.create({ ...query, data }))
}

/** For a task that nobody said the project of, by someone who has no Inbox. */
export function withoutProject(path: (string | number)[] = ['input', 'projectId']): AppError {
  return new AppError('VALIDATION_FAILED', `${path.join('.')}: is required, as you have no Inbox`, { path })
}

async function projectOfParent(ctx: Context, parentId: string | null | undefined): Promise<string | undefined> {
  if (parentId == null) return undefined
  return (await findTask(ctx, parentId, { select: { projectId: true } }))?.projectId
}

/** A row as the input describes it. */
export function newTask(
  creatorId: string,
  projectId: string,
  input: ReplaceTaskValues,
  links: Omit<CheckedLinks, 'issues'>,
) {
  return { ...withDefaults(input, links), projectId, creatorId, updatedById: creatorId }
}

export async function getTask(ctx: Context, id: string, query: TaskQuery) {
  const task = await findTask(ctx, id, query)
  if (!task) throw taskNotFound(id)
  return task
}

/** Needs EDITOR. Absent fields stay, null clears. */
export async function updateTask(
  ctx: Context,
  id: string,
  input: UpdateTaskValues,
  version: Version,
  query: TaskQuery,
) {
  const task = await requireTask(ctx, id)
  const links = await requireLinks(ctx, { ...input, ...linksNow(task) })
  return changeTask(ctx, task.id, changedTask(input, links), version, query)
}

/** What the links of a task that is there are checked against. */
const linksNow = (task: FoundTask) => ({ taskId: task.id, projectId: task.projectId, now: task })

/** What an input changes of a row. The rules refused null where a field cannot be cleared: what is left of it here is only its type. */
export function changedTask(
  input: UpdateTaskValues,
  { parentId, assigneeIds, labelIds }: Omit<CheckedLinks, 'issues'>,
) {
  const { title, description, status, priority, dueAt } = input
  return {
    title: title ?? undefined,
    status: status ?? undefined,
    priority: priority ?? undefined,
    description,
    dueAt,
    parentId,
    assigneeIds,
    labelIds,
  }
}

/** Needs EDITOR. Absent fields take their defaults. */
export async function replaceTask(
  ctx: Context,
  id: string,
  input: ReplaceTaskValues,
  version: Version,
  query: TaskQuery,
) {
  const task = await requireTask(ctx, id)
  const links = await requireLinks(ctx, { ...input, ...linksNow(task) })
  return changeTask(ctx, task.id, withDefaults(input, links), version, query)
}

/** Needs EDITOR. The task goes to the trash. */
export async function deleteTask(ctx: Context, id: string, version: Version, query: TaskQuery) {
  const task = await requireTask(ctx, id)
  return changeTask(ctx, task.id, { deletedAt: new Date() }, version, query)
}

/** Needs EDITOR. Takes a task out of the trash; one that is not in it stays as it is. */
export async function restoreTask(ctx: Context, id: string, version: Version, query: TaskQuery) {
  const task = await requireTask(ctx, id, { whereabouts: 'either' })
  return changeTask(ctx, task.id, { deletedAt: null }, version, query, 'either')
}

/** Needs EDITOR. A new task, PENDING, with all else the task has that a new one may: not who has left, nor a parent in the trash. */
export async function duplicateTask(ctx: Context, id: string, title: string | null | undefined, query: TaskQuery) {
  const viewer = requireViewer(ctx)
  const found = await requireTask(ctx, id)
  const task = await getTask(ctx, found.id, {})
  const { description, priority, dueAt, projectId } = task
  const [checked] = await checkLinks(ctx, [task])
  const isWrong = (field: string, index?: number) =>
    checked?.issues.some(({ path }) => path[0] === field && (index === undefined || path[1] === index))
  const data = newTask(
    viewer.id,
    projectId,
    { title: title ?? task.title, description, priority, dueAt },
    {
      parentId: isWrong('parentId') ? null : task.parentId,
      assigneeIds: task.assigneeIds.filter((_, index) => !isWrong('assigneeIds', index)),
      labelIds: task.labelIds,
    },
  )
  return inTree(ctx, data.parentId === null ? null : 'shared', (db) => db.task.create({ ...query, data }))
}

/** The version is part of the condition: whoever comes second with the same one changes nothing. */
async function changeTask(
  ctx: Context,
  id: string,
  data: Prisma.TaskUncheckedUpdateInput,
  version: Version,
  query: TaskQuery,
  whereabouts: 'live' | 'either' = 'live',
) {
  const viewer = requireViewer(ctx)
  try {
    return await inTree(ctx, data.parentId == null ? null : 'alone', (db) =>
      db.task.update({
        ...query,
        where: { id, ...(whereabouts === 'live' && { deletedAt: null }), ...(version != null && { version }) },
        data: { ...data, updatedById: viewer.id },
      }),
    )
  } catch (error) {
    if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== 'P2025') throw error
    throw await absentOrChanged(ctx, id, version, whereabouts)
  }
}

/** Why a change of a task that was there a moment ago found none. If it is there again, it was in the trash meanwhile. */
export async function absentOrChanged(
  ctx: Context,
  id: string,
  version: Version,
  whereabouts: 'live' | 'either' = 'live',
) {
  const present = await findTask(ctx, id, { select: { version: true } }, whereabouts)
  return present && version != null ? versionDiffers('task', present.version, version) : taskNotFound(id)
}

function withDefaults(
  { title, description, status, priority, dueAt }: ReplaceTaskValues,
  { parentId, assigneeIds, labelIds }: Omit<CheckedLinks, 'issues'>,
) {
  return {
    title,
    description: description ?? null,
    status: status ?? 'PENDING',
    priority: priority ?? 1,
    dueAt: dueAt ?? null,
    parentId: parentId ?? null,
    assigneeIds: assigneeIds ?? [],
    labelIds: labelIds ?? [],
  } as const
}
