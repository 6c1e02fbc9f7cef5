import type { Viewer } from '../../auth/viewer.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { ProjectRole } from '../../generated/prisma/enums.ts'
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
export function requireRole(viewer: Viewer, project: ProjectAccess | null, needed: ProjectRole): void {
  const refusal = roleRefusal(viewer, project, needed)
  if (refusal) throw refusal
}

/** Returns the error that `requireRole` throws, or undefined. */
export function roleRefusal(viewer: Viewer, project: ProjectAccess | null, needed: ProjectRole): AppError | undefined {
  const role = project?.memberships[0]?.role
  if (viewer.role !== 'ADMIN' && !(role && includesRole(role, needed)))
    return new AppError('FORBIDDEN', `You need the ${needed} role in this project. Your role is ${role ?? 'none'}.`)
  const writes = needed === 'COMMENTER' || needed === 'EDITOR'
  if (!project?.archivedAt || !writes) return undefined
  return new AppError('CONFLICT', 'The project is archived. An OWNER can unarchive it.')
}

/**
 * Checks that the viewer has at least this role in the project. Throws NOT_FOUND for an unknown
 * project and for one the viewer cannot see, FORBIDDEN for a lower role. `path` is the argument
 * that holds the id.
 */
export async function requireProject(
  ctx: Context,
  projectId: string,
  needed: ProjectRole,
  path: (string | number)[],
): Promise<void> {
  const viewer = requireViewer(ctx)
  const project = isId(projectId)
    ? await ctx.db.project.findFirst({
        where: { id: projectId, ...visibleProjects(viewer) },
        select: roleSelection(viewer),
      })
    : null
  if (!project) throw projectNotFound(projectId, path)
  requireRole(viewer, project, needed)
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
  requireAllSeen(named, new Set(seen.map(({ id }) => id)), 'project')
}

/** Throws NOT_FOUND with one issue for each named id that is not in `seen`. */
export function requireAllSeen(named: readonly NamedId[], seen: ReadonlySet<string>, noun: string): void {
  const missing = named.filter(({ id }) => !seen.has(id.toLowerCase()))
  if (missing.length === 0) return
  const issues = missing.map(({ id, path }) => ({
    path,
    code: 'not_found',
    message: `${noun[0]?.toUpperCase()}${noun.slice(1)} ${JSON.stringify(id)} does not exist or you cannot see it.`,
  }))
  throw new AppError('NOT_FOUND', issues.map(({ message }) => message).join(' '), { issues })
}

export function projectNotFound(projectId: string, path: (string | number)[]): AppError {
  return new AppError('NOT_FOUND', `Project ${JSON.stringify(projectId)} does not exist or you cannot see it.`, {
    path,
  })
}
