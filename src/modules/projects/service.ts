import type { Viewer } from '../../auth/viewer.ts'
import { actAs } from '../../database/actor.ts'
import { retryOnDeadlock } from '../../database/retry.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isUniqueViolation, uniqueConflict } from '../../schema/conflicts.ts'
import { byTime, type Connection, loadPage } from '../../schema/lists.ts'
import { type Quota, withinQuota } from '../../schema/quota.ts'
import { grouped, isId } from '../../schema/rules.ts'
import { expectsRow, updateVersioned, type Version } from '../../schema/versioned.ts'
import type { CreateProjectValues, ListProjectsValues, UpdateProjectValues } from './input.ts'
import { withFreeKey } from './key-service.ts'
import { inVisibleProject, projectNotFound, requireProject, visibleProjects } from './policy.ts'

type ProjectQuery = Pick<Prisma.ProjectFindManyArgs, 'select' | 'include'>

/** Creates a project with the viewer as OWNER. Any signed-in user can do this. */
export async function createProject(ctx: Context, input: CreateProjectValues, query: ProjectQuery) {
  const viewer = requireViewer(ctx)
  const { key, name, description } = input
  const create = (chosen: string) =>
    withinQuota(ctx, quotaOf(viewer), (tx) =>
      tx.project.create({
        ...query,
        data: {
          key: chosen,
          name,
          description,
          updatedById: viewer.id,
          memberships: { create: { userId: viewer.id, role: 'OWNER', updatedById: viewer.id } },
        },
      }),
    )
  if (!key) return withFreeKey(ctx.db, name, create)
  return create(key).catch((error: unknown) => {
    throw isUniqueViolation(error, 'key')
      ? uniqueConflict(['input', 'key'], `The key ${key} is taken by another project.`)
      : error
  })
}

const quotaOf = ({ id, inboxId }: Viewer): Quota => ({
  setting: 'MAX_PROJECTS_PER_USER',
  of: { table: 'User', id },
  explain: 'projects that a user owns: hand one over to another OWNER first',
  count: (tx) =>
    tx.membership.count({ where: { userId: id, role: 'OWNER', ...(inboxId && { projectId: { not: inboxId } }) } }),
})

export async function getProject(ctx: Context, id: string, query: ProjectQuery) {
  const viewer = requireViewer(ctx)
  const project = isId(id)
    ? await ctx.db.project.findFirst({ ...query, where: { id, ...visibleProjects(viewer) } })
    : null
  if (!project) throw projectNotFound(id, ['id'])
  return project
}

/** Lists the projects the viewer can see, oldest first: all, or only those that are archived or not. */
export async function listProjects(
  ctx: Context,
  { archived, ...page }: ListProjectsValues,
  query: ProjectQuery,
): Promise<Connection<ProjectRow>> {
  const visible = inVisibleProject(requireViewer(ctx), Prisma.sql`"Project"."id"`)
  const wanted = Prisma.sql`("Project"."archivedAt" IS NOT NULL) = ${archived}::boolean`
  return loadPage<ProjectRow>(ctx.db, page, {
    table: 'Project',
    where: archived == null ? visible : Prisma.sql`${visible} AND ${wanted}`,
    order: [byTime('createdAt', 'asc', 'Project')],
    model: 'project',
    query,
  })
}

/** Changes a project's name or description. Needs OWNER. */
export async function updateProject(
  ctx: Context,
  id: string,
  { name, description }: UpdateProjectValues,
  version: Version,
  query: ProjectQuery,
) {
  await requireProject(ctx, id, 'OWNER', ['id'])
  return change(ctx, id, { name: name ?? undefined, description }, version, query)
}

/** Archives a project, so that nobody writes in it, or unarchives it. Needs OWNER. */
export async function setArchived(ctx: Context, id: string, archived: boolean, version: Version, query: ProjectQuery) {
  const before = await requireProject(ctx, id, 'OWNER', ['id'])
  if (archived) await refuseInbox(ctx, id, 'archived')
  // The time of the first of two requests stays.
  const archivedAt = archived ? (before.archivedAt ?? new Date()) : null
  return change(ctx, id, { archivedAt }, version, query)
}

/** Maximum number of tasks that are deleted with their project, in one transaction. */
const MAX_DELETED_TASKS = 10_000

/**
 * Deletes a project with its members, labels, tasks, comments and files, and returns it. Needs OWNER.
 * Throws CONFLICT for an Inbox and for a project with too many tasks.
 */
export async function deleteProject(ctx: Context, id: string, version: Version, query: ProjectQuery) {
  await requireProject(ctx, id, 'OWNER', ['id'])
  await refuseInbox(ctx, id, 'deleted')
  const viewer = requireViewer(ctx)
  const [tasks] = await ctx.db.$queryRaw<{ count: number }[]>`SELECT count(*)::int AS count
    FROM (SELECT FROM "Task" WHERE "projectId" = ${id}::uuid LIMIT ${MAX_DELETED_TASKS + 1}) AS counted`
  if ((tasks?.count ?? 0) > MAX_DELETED_TASKS) {
    const message = `The project has more than ${grouped(MAX_DELETED_TASKS)} tasks, with those in the trash. Archive it instead, or move tasks to another project first.`
    throw new AppError('CONFLICT', message, { path: ['id'] })
  }
  const remove = (where: Prisma.ProjectWhereUniqueInput) =>
    ctx.db.$transaction(async (tx) => {
      await actAs(tx, viewer, ctx.requestId)
      await tx.$executeRaw`SELECT FROM "Task" WHERE "projectId" = ${id}::uuid ORDER BY "id" FOR UPDATE`
      return tx.project.delete({ ...query, where })
    })
  return updateVersioned(expected(ctx, id, version), (where) => retryOnDeadlock(ctx.db, () => remove(where)))
}

function change(ctx: Context, id: string, data: Prisma.ProjectUpdateInput, version: Version, query: ProjectQuery) {
  const { id: updatedById } = requireViewer(ctx)
  return updateVersioned(expected(ctx, id, version), (where) =>
    ctx.db.project.update({ ...query, where, data: { ...data, updatedById } }),
  )
}

async function refuseInbox(ctx: Context, id: string, what: string): Promise<void> {
  const owner = await ctx.db.user.findFirst({ where: { inboxId: id }, select: { id: true } })
  if (owner) throw new AppError('CONFLICT', `An Inbox cannot be ${what}.`, { path: ['id'] })
}

const expected = expectsRow(
  'project',
  (db) => db.project,
  (id) => projectNotFound(id, ['id']),
)

type ProjectRow = Prisma.ProjectGetPayload<Record<never, never>>
