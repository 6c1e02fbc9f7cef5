import type { Viewer } from '../../auth/viewer.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isUniqueViolation, uniqueConflict } from '../../schema/conflicts.ts'
import { byTime, type Connection, loadPage, type PageArguments } from '../../schema/lists.ts'
import { type Quota, withinQuota } from '../../schema/quota.ts'
import { isId } from '../../schema/rules.ts'
import type { CreateProjectValues } from './input.ts'
import { withFreeKey } from './key-service.ts'
import { projectNotFound, visibleProjects, visibleProjectsSql } from './policy.ts'

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

/** Lists the projects the viewer can see, oldest first. */
export async function listProjects(
  ctx: Context,
  args: PageArguments,
  query: ProjectQuery,
): Promise<Connection<ProjectRow>> {
  const viewer = requireViewer(ctx)
  return loadPage<ProjectRow>(ctx.db, args, {
    table: 'Project',
    where: visibleProjectsSql(viewer, Prisma.sql`"Project"."id"`) ?? Prisma.sql`TRUE`,
    order: [byTime('createdAt', 'asc', 'Project')],
    model: 'project',
    query,
  })
}

type ProjectRow = Prisma.ProjectGetPayload<Record<never, never>>
