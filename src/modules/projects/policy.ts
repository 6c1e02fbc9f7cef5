import type { Viewer } from '../../auth/viewer.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { ProjectRole } from '../../generated/prisma/enums.ts'
import type { ProjectGrant, Subject } from '../../request/access.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isId } from '../../schema/rules.ts'

/** Roles in ascending order. Each role includes the rights of the ones before it. */
const ROLES = ['VIEWER', 'COMMENTER', 'EDITOR', 'OWNER'] as const satisfies readonly ProjectRole[]

/** Returns true if `role` includes the rights of `needed`. */
export function includesRole(role: ProjectRole, needed: ProjectRole): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/**
 * Filters the projects a viewer can see: all for an ADMIN, otherwise those they are a member of.
 */
export function visibleProjects(viewer: Viewer): Prisma.ProjectWhereInput {
  return viewer.role === 'ADMIN' ? {} : { memberships: { some: { userId: viewer.id } } }
}

/**
 * Returns the same filter as SQL on a column with a project id, or undefined if
 * nothing is filtered.
 */
export function visibleProjectsSql(viewer: Viewer, column: Prisma.Sql): Prisma.Sql | undefined {
  if (viewer.role === 'ADMIN') return undefined
  return Prisma.sql`${column} IN (SELECT m."projectId" FROM "Membership" m WHERE m."userId" = ${viewer.id}::uuid)`
}

/** Returns the same as `visibleProjectsSql`, but TRUE if nothing is filtered. */
export function inVisibleProject(viewer: Viewer, column: Prisma.Sql): Prisma.Sql {
  return visibleProjectsSql(viewer, column) ?? Prisma.sql`TRUE`
}

/** Returns true if the viewer, with this role in the project, has the rights of `needed`. */
export function hasRole(viewer: Viewer, role: ProjectRole | null | undefined, needed: ProjectRole): boolean {
  return viewer.role === 'ADMIN' || (role != null && includesRole(role, needed))
}

/** Selects what `requireRole` needs to know of a project. */
export const roleSelection = ({ id }: Viewer) =>
  ({ archivedAt: true, memberships: { where: { userId: id }, select: { role: true } } }) as const

/** A project as selected with `roleSelection`. */
export interface ProjectAccess {
  archivedAt: Date | null
  memberships: readonly { role: ProjectRole }[]
}

/**
 * Throws FORBIDDEN if the viewer sees the project but lacks the role, and CONFLICT for a change
 * below the role OWNER in an archived project: owners still manage it.
 */
export function requireRole(ctx: Context, project: ProjectAccess, needed: ProjectRole, subject: Subject): void {
  const refusal = roleRefusal(requireViewer(ctx), project, needed)
  if (refusal) throw refusal
  ctx.grants?.useRole(needed, subject)
}

/** Returns the error that `requireRole` throws, or undefined. */
export function roleRefusal(
  viewer: Viewer,
  { archivedAt, memberships: [member] }: ProjectAccess,
  needed: ProjectRole,
): AppError | undefined {
  if (!hasRole(viewer, member?.role, needed)) return roleMissing(member?.role, needed)
  const writes = needed === 'COMMENTER' || needed === 'EDITOR'
  if (archivedAt === null || !writes) return undefined
  return new AppError('CONFLICT', 'The project is archived. An OWNER can unarchive it.')
}

function roleMissing(role: ProjectRole | null | undefined, needed: ProjectRole): AppError {
  return new AppError('FORBIDDEN', `You need the ${needed} role in this project. Your role is ${role ?? 'none'}.`)
}

/**
 * Checks the roles that an earlier operation needed: the viewer must still have them. Throws the
 * NOT_FOUND or FORBIDDEN that the operation would get now.
 */
export async function requireGranted(ctx: Context, grants: readonly ProjectGrant[]): Promise<void> {
  const [lost] = await lostGrants(ctx, grants)
  if (!lost) return
  const { grant, role } = lost
  throw role === null
    ? new AppError('NOT_FOUND', grant.absent.message, { path: grant.absent.path })
    : roleMissing(role, grant.needed)
}

/** Returns the grants whose role the viewer no longer has, each with the present one. */
export async function lostGrants(
  ctx: Context,
  grants: readonly ProjectGrant[],
): Promise<{ grant: ProjectGrant; role: ProjectRole | null }[]> {
  const viewer = requireViewer(ctx)
  if (grants.length === 0 || viewer.role === 'ADMIN') return []
  const ids = JSON.stringify(grants.map(({ projectId, taskId }) => ({ projectId, taskId })))
  const roles = await ctx.db.$queryRaw<{ role: ProjectRole | null }[]>`
    SELECT own."role"::text AS role
    FROM ROWS FROM (jsonb_to_recordset(${ids}::jsonb) AS ("projectId" uuid, "taskId" uuid)) WITH ORDINALITY AS used("projectId", "taskId", "place")
    LEFT JOIN "Task" AS task ON task."id" = used."taskId"
    LEFT JOIN "Membership" AS own ON own."projectId" = coalesce(task."projectId", used."projectId") AND own."userId" = ${viewer.id}::uuid
    ORDER BY used."place"`
  return grants.flatMap((grant, place) => {
    const role = roles[place]?.role ?? null
    return hasRole(viewer, role, grant.needed) ? [] : [{ grant, role }]
  })
}

/**
 * Checks that the viewer has at least this role in the project, and returns what it found. Throws
 * NOT_FOUND for an unknown project and for one the viewer cannot see, FORBIDDEN for a lower role.
 * `path` is the argument that holds the id.
 */
export async function requireProject(
  ctx: Context,
  projectId: string,
  needed: ProjectRole,
  path: (string | number)[],
): Promise<ProjectAccess> {
  const viewer = requireViewer(ctx)
  const project = isId(projectId)
    ? await ctx.db.project.findFirst({
        where: { id: projectId, ...visibleProjects(viewer) },
        select: roleSelection(viewer),
      })
    : null
  if (!project) throw projectNotFound(projectId, path)
  requireRole(ctx, project, needed, { projectId, absent: () => projectNotFound(projectId, path) })
  return project
}

/** An id from the client's input, with the path of its argument. */
export interface NamedId {
  id: string
  path: (string | number)[]
}

/**
 * Requires that the viewer can see all these projects. Throws NOT_FOUND with an issue
 * per missing project.
 */
export async function requireProjects(ctx: Context, named: readonly NamedId[]): Promise<void> {
  if (named.length === 0) return
  const viewer = requireViewer(ctx)
  const ids = [...new Set(named.map(({ id }) => id.toLowerCase()))]
  const seen = await ctx.db.project.findMany({
    where: { id: { in: ids }, ...visibleProjects(viewer) },
    select: { id: true },
  })
  const projectOf = new Map(seen.map(({ id }) => [id, id]))
  requireAllSeen(ctx, named, projectOf, 'project')
}

/**
 * Throws NOT_FOUND with one issue for each named id that is not in `projectOf`, which maps the
 * visible ones to their projects.
 */
export function requireAllSeen(
  ctx: Context,
  named: readonly NamedId[],
  projectOf: ReadonlyMap<string, string>,
  noun: string,
): void {
  const messageOf = (id: string) =>
    `${noun[0]?.toUpperCase()}${noun.slice(1)} ${JSON.stringify(id)} does not exist or you cannot see it.`
  const issues = named.flatMap(({ id, path }) => {
    const projectId = projectOf.get(id.toLowerCase())
    if (projectId === undefined) return [{ path, code: 'not_found', message: messageOf(id) }]
    ctx.grants?.useRole('VIEWER', { projectId, absent: () => new AppError('NOT_FOUND', messageOf(id), { path }) })
    return []
  })
  if (issues.length > 0) throw new AppError('NOT_FOUND', issues.map(({ message }) => message).join(' '), { issues })
}

export function projectNotFound(projectId: string, path: (string | number)[]): AppError {
  return new AppError('NOT_FOUND', `Project ${JSON.stringify(projectId)} does not exist or you cannot see it.`, {
    path,
  })
}
