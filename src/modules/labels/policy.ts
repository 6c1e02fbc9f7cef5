import type { Context } from '../../context.ts'
import { padToPowerOfTwo } from '../../database/statement-names.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import { isId } from '../../rules.ts'
import { type NamedId, refuseUnseen, requireRole, visibleProjects } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'

/** Makes sure that the viewer sees all these labels. */
export async function requireLabels(ctx: Context, named: readonly NamedId[]): Promise<void> {
  if (named.length === 0) return
  const viewer = requireViewer(ctx)
  const ids = padToPowerOfTwo([...new Set(named.map(({ id }) => id.toLowerCase()))])
  const seen = await ctx.db.label.findMany({
    where: { id: { in: ids }, project: visibleProjects(viewer) },
    select: { id: true },
  })
  refuseUnseen(named, new Set(seen.map(({ id }) => id)), 'label')
}

/** Makes sure that the viewer may change the label (EDITOR of its project). */
export async function requireLabel(ctx: Context, id: string): Promise<void> {
  const viewer = requireViewer(ctx)
  const memberships = { where: { userId: viewer.id }, select: { role: true } }
  const label = isId(id)
    ? await ctx.db.label.findFirst({
        where: { id, project: visibleProjects(viewer) },
        select: { project: { select: { memberships } } },
      })
    : null
  if (!label) throw labelNotFound(id)
  requireRole(viewer, label.project.memberships[0]?.role, 'EDITOR')
}

export function labelNotFound(id: string): AppError {
  return new AppError('NOT_FOUND', `There is no label ${JSON.stringify(id)}.`, { path: ['id'] })
}

export type LabelQuery = Pick<Prisma.LabelFindManyArgs, 'select' | 'include'>
