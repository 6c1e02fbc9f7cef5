import type { Context, Viewer } from '../../context.ts'
import { padToPowerOfTwo } from '../../database/statement-names.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { ProjectRole } from '../../generated/prisma/enums.ts'
import { isId } from '../../rules.ts'
import { requireViewer } from '../users/policy.ts'

/** Each role may do what those before it may. */
const ROLES = ['VIEWER', 'COMMENTER', 'EDITOR', 'OWNER'] as const satisfies readonly ProjectRole[]

/** Whether a role reaches another. */
export function reaches(role: ProjectRole, needed: ProjectRole): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** The projects a viewer sees: an ADMIN all, anybody else those they are a member of. */
export function visibleProjects(viewer: Viewer): Prisma.ProjectWhereInput {
  return viewer.role === 'ADMIN' ? {} : { memberships: { some: { userId: viewer.id } } }
}

/** The same as a condition on a column that holds a project's id; undefined where there is none. */
export function visibleProjectsSql(viewer: Viewer, column: Prisma.Sql): Prisma.Sql | undefined {
  if (viewer.role === 'ADMIN') return undefined
  return Prisma.sql`${column} IN (SELECT m."projectId" FROM "Membership" m WHERE m."userId" = ${viewer.id}::uuid)`
}

/** Refuses with FORBIDDEN a viewer who sees the project but may not do this in it. */
export function requireRole(viewer: Viewer, role: ProjectRole | undefined, needed: ProjectRole): void {
  if (viewer.role === 'ADMIN' || (role && reaches(role, needed))) return
  throw new AppError('FORBIDDEN', `This needs the role ${needed} in the project; yours is ${role ?? 'none'}.`)
}

/**
 * Makes sure that the viewer has at least this role in the project. A project that is not there and one that the viewer
 * may not see are the same NOT_FOUND. `path` names the argument that held the id.
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
        select: { memberships: { where: { userId: viewer.id }, select: { role: true } } },
      })
    : null
  if (!project) throw projectNotFound(projectId, path)
  requireRole(viewer, project.memberships[0]?.role, needed)
}

/** A value of an input that should be an id of something, and where it stood. */
export interface NamedId {
  id: string
  path: (string | number)[]
}

/** Makes sure that the viewer sees all these projects. */
export async function requireProjects(ctx: Context, named: readonly NamedId[]): Promise<void> {
  if (named.length === 0) return
  const viewer = requireViewer(ctx)
  const ids = padToPowerOfTwo([...new Set(named.map(({ id }) => id.toLowerCase()))])
  const seen = await ctx.db.project.findMany({
    where: { id: { in: ids }, ...visibleProjects(viewer) },
    select: { id: true },
  })
  refuseUnseen(named, new Set(seen.map(({ id }) => id)), 'project')
}

/** NOT_FOUND for what was named and is not there to be seen, all of it at once. */
export function refuseUnseen(named: readonly NamedId[], seen: ReadonlySet<string>, noun: string): void {
  const missing = named.filter(({ id }) => !seen.has(id.toLowerCase()))
  if (missing.length === 0) return
  const issues = missing.map(({ id, path }) => ({
    path,
    code: 'not_found',
    message: `There is no ${noun} ${JSON.stringify(id)}.`,
  }))
  throw new AppError('NOT_FOUND', issues.map(({ message }) => message).join(' '), { issues })
}

export function projectNotFound(projectId: string, path: (string | number)[]): AppError {
  return new AppError('NOT_FOUND', `There is no project ${JSON.stringify(projectId)}.`, { path })
}
