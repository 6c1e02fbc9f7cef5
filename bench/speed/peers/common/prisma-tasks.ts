/** The operations of the peers that use Prisma, written as its documentation does. */
import { PrismaPg } from '@prisma/adapter-pg'
import { Prisma, PrismaClient } from '../../../../src/generated/prisma/client.ts'
import type { TaskStatus } from '../../../../src/generated/prisma/enums.ts'
import { ApiError, notFound } from './errors.ts'
import { type ListArguments, pageOptions } from './input.ts'
import { POOL_SIZE, settings } from './settings.ts'
import { readToken, type Viewer } from './viewer.ts'

export const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: settings.databaseUrl, max: POOL_SIZE }),
})

/** Columns and relations to read. */
type TaskQuery = Pick<Prisma.TaskFindManyArgs, 'select' | 'include'>

export interface NewTask {
  projectId: string
  title: string
  description?: string | null
  status?: TaskStatus | null
  priority?: number | null
  dueAt?: Date | null
  parentId?: string | null
  assigneeIds?: string[] | null
  labelIds?: string[] | null
}

export type TaskChange = Partial<Pick<NewTask, 'title' | 'status' | 'priority' | 'description' | 'dueAt'>>

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export async function findViewer(authorization: string | undefined): Promise<Viewer | null> {
  const claims = readToken(authorization)
  if (!claims) return null
  const session = await prisma.session.findUnique({
    where: {
      id: claims.sid,
      userId: claims.sub,
      revokedAt: null,
      expiresAt: { gt: new Date() },
      user: { disabledAt: null },
    },
    select: { user: { select: { id: true, role: true } } },
  })
  return session && { id: session.user.id, isAdmin: session.user.role === 'ADMIN' }
}

const visible = ({ id, isAdmin }: Viewer): Prisma.ProjectWhereInput =>
  isAdmin ? {} : { memberships: { some: { userId: id } } }

export async function findTask(viewer: Viewer, id: string, query: TaskQuery = {}) {
  const task = UUID.test(id)
    ? await prisma.task.findFirst({ ...query, where: { id, deletedAt: null, project: visible(viewer) } })
    : null
  if (!task) throw notFound('Task', id)
  return task
}

export async function listTasks(viewer: Viewer, args: ListArguments, query: TaskQuery = {}) {
  const { projectId, status, search, order, descending, first, after } = pageOptions(args)
  if (projectId && !(await prisma.project.findFirst({ where: { id: projectId, ...visible(viewer) } })))
    throw notFound('Project', projectId)
  if (search) return searchTasks(viewer, search, first, query)
  const direction = descending ? 'desc' : 'asc'
  const orders: Record<typeof order, Prisma.TaskOrderByWithRelationInput> = {
    CREATED_AT: { createdAt: direction },
    PRIORITY: { priority: direction },
    DUE_AT: { dueAt: { sort: direction, nulls: 'last' } },
  }
  const tasks = await prisma.task.findMany({
    ...query,
    where: {
      deletedAt: null,
      ...(projectId ? { projectId } : { project: visible(viewer) }),
      ...(status && { status: { in: status as TaskStatus[] } }),
    },
    orderBy: [orders[order], { id: direction }],
    take: first + 1,
    ...(after && { cursor: { id: after }, skip: 1 }),
  })
  return toPage(tasks, first, after)
}

/** Prisma has no full-text search that uses the index, so SQL finds the ids. */
async function searchTasks(viewer: Viewer, search: string, first: number, query: TaskQuery) {
  const own = Prisma.sql`AND s."projectId" IN (SELECT "projectId" FROM "Membership" WHERE "userId" = ${viewer.id}::uuid)`
  const found = await prisma.$queryRaw<{ id: string }[]>`
    SELECT s."taskId"::text AS id FROM "TaskSearch" s
    WHERE s."words" @@ search_query(${search}) AND s."live" ${viewer.isAdmin ? Prisma.empty : own}
    ORDER BY ts_rank(s."words", search_query(${search}), 1) + (s."words" @@ literal_query(${search}))::int DESC, s."taskId" DESC LIMIT ${first + 1}`
  const ids = found.map(({ id }) => id)
  const tasks = await prisma.task.findMany({ ...query, where: { id: { in: ids } } })
  const byId = new Map(tasks.map((task) => [task.id, task]))
  return toPage(
    ids.flatMap((id) => byId.get(id) ?? []),
    first,
    null,
  )
}

function toPage<Task extends { id: string }>(tasks: Task[], first: number, after: string | null | undefined) {
  const nodes = tasks.slice(0, first)
  const pageInfo = {
    hasNextPage: tasks.length > first,
    hasPreviousPage: after != null,
    startCursor: nodes[0]?.id ?? null,
    endCursor: nodes.at(-1)?.id ?? null,
  }
  return { nodes, pageInfo }
}

export async function createTask(viewer: Viewer, input: NewTask, query: TaskQuery = {}) {
  const { projectId, title, description, status, priority, dueAt, parentId } = input
  await requireEditor(viewer, projectId)
  const assigneeIds = [...new Set(input.assigneeIds ?? [])]
  const labelIds = [...new Set(input.labelIds ?? [])]
  const members = await prisma.membership.count({ where: { projectId, userId: { in: assigneeIds } } })
  const labels = await prisma.label.count({ where: { projectId, id: { in: labelIds } } })
  if (members < assigneeIds.length || labels < labelIds.length)
    throw new ApiError('VALIDATION_FAILED', 'An assignee or a label does not belong to the project.')
  return prisma.task.create({
    ...query,
    data: {
      projectId,
      title,
      description,
      status: status ?? 'PENDING',
      priority: priority ?? 1,
      dueAt,
      parentId,
      assigneeIds,
      labelIds,
      creatorId: viewer.id,
      updatedById: viewer.id,
    },
  })
}

export async function updateTask(viewer: Viewer, id: string, change: TaskChange, query: TaskQuery = {}) {
  const task = await findTask(viewer, id, { select: { projectId: true } })
  await requireEditor(viewer, task.projectId)
  const { title, status, priority, description, dueAt } = change
  return prisma.task.update({
    ...query,
    where: { id },
    data: {
      title: title ?? undefined,
      status: status ?? undefined,
      priority: priority ?? undefined,
      description,
      dueAt,
      updatedById: viewer.id,
    },
  })
}

/** Throws unless the viewer has a role that may write. */
async function requireEditor(viewer: Viewer, projectId: string): Promise<void> {
  const project = await prisma.project.findFirst({
    where: { id: projectId, ...visible(viewer) },
    select: { memberships: { where: { userId: viewer.id }, select: { role: true } } },
  })
  if (!project) throw notFound('Project', projectId)
  const role = viewer.isAdmin ? 'OWNER' : project.memberships[0]?.role
  if (role === 'EDITOR' || role === 'OWNER') return
  throw new ApiError('FORBIDDEN', `You need the EDITOR role in this project. Your role is ${role}.`)
}
