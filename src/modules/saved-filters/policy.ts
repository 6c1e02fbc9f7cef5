import type { Viewer } from '../../auth/viewer.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isId } from '../../schema/rules.ts'
import { requireRole, roleSelection, visibleProjects, visibleProjectsSql } from '../projects/policy.ts'

/**
 * Filters the saved filters a viewer can see: their own, and those shared with a project they see.
 */
export function visibleSavedFilters(viewer: Viewer): Prisma.SavedFilterWhereInput {
  return { OR: [{ ownerId: viewer.id }, { projectId: { not: null }, project: visibleProjects(viewer) }] }
}

/** Returns the same filter as SQL. */
export function visibleSavedFiltersSql(viewer: Viewer): Prisma.Sql {
  const shared = visibleProjectsSql(viewer, Prisma.sql`"projectId"`) ?? Prisma.sql`"projectId" IS NOT NULL`
  return Prisma.sql`("ownerId" = ${viewer.id}::uuid OR ${shared})`
}

/**
 * Requires the right to change or delete a saved filter. The owner may change it, but needs EDITOR
 * while it is shared, because every member of the project sees the change. An OWNER of the project
 * may change it too. Its owner may always make it private or delete it (`withdraws`). Throws
 * NOT_FOUND or FORBIDDEN.
 */
export async function requireSavedFilter(ctx: Context, id: string, withdraws: boolean): Promise<void> {
  const viewer = requireViewer(ctx)
  const found = isId(id)
    ? await ctx.db.savedFilter.findFirst({
        where: { id, ...visibleSavedFilters(viewer) },
        select: { ownerId: true, projectId: true, project: { select: roleSelection(viewer) } },
      })
    : null
  if (!found) throw savedFilterNotFound(id)
  const { ownerId, projectId, project } = found
  const own = ownerId === viewer.id
  if (project === null || projectId === null || (own && withdraws)) return
  requireRole(ctx, project, own ? 'EDITOR' : 'OWNER', { projectId, absent: () => savedFilterNotFound(id) })
}

export function savedFilterNotFound(id: string, path: string[] = ['id']): AppError {
  return new AppError('NOT_FOUND', `Saved filter ${JSON.stringify(id)} does not exist or you cannot see it.`, { path })
}
