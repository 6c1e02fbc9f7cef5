import { AppError } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isId } from '../../schema/rules.ts'
import { type NamedId, requireAllSeen, requireRole, roleSelection, visibleProjects } from '../projects/policy.ts'

/**
 * Requires that the viewer can see all these labels. Throws NOT_FOUND with an issue
 * per missing label.
 */
export async function requireLabels(ctx: Context, named: readonly NamedId[]): Promise<void> {
  if (named.length === 0) return
  const viewer = requireViewer(ctx)
  const ids = [...new Set(named.map(({ id }) => id.toLowerCase()))]
  const seen = await ctx.db.label.findMany({
    where: { id: { in: ids }, project: visibleProjects(viewer) },
    select: { id: true, projectId: true },
  })
  requireAllSeen(ctx, named, new Map(seen.map(({ id, projectId }) => [id, projectId])), 'label')
}

/** Requires EDITOR on the label's project. Throws NOT_FOUND or FORBIDDEN. */
export async function requireLabel(ctx: Context, id: string): Promise<void> {
  const viewer = requireViewer(ctx)
  const label = isId(id)
    ? await ctx.db.label.findFirst({
        where: { id, project: visibleProjects(viewer) },
        select: { projectId: true, project: { select: roleSelection(viewer) } },
      })
    : null
  if (!label) throw labelNotFound(id)
  const { projectId, project } = label
  requireRole(ctx, project, 'EDITOR', { projectId, absent: () => labelNotFound(id) })
}

export function labelNotFound(id: string): AppError {
  return new AppError('NOT_FOUND', `Label ${JSON.stringify(id)} does not exist or you cannot see it.`, { path: ['id'] })
}

export type LabelQuery = Pick<Prisma.LabelFindManyArgs, 'select' | 'include'>
