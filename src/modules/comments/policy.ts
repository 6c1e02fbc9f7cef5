import { AppError } from '../../gateway/errors.ts'
import type { Comment, Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isId } from '../../schema/rules.ts'
import { requireRole, roleSelection } from '../projects/policy.ts'
import { onVisibleTask } from '../tasks/policy.ts'

export type CommentQuery = Pick<Prisma.CommentFindManyArgs, 'select' | 'include'>

/**
 * Requires the right to edit or to delete a comment. Its author needs COMMENTER. Nobody else edits
 * it but an ADMIN; an OWNER may delete it. Throws NOT_FOUND or FORBIDDEN.
 */
export async function requireComment(
  ctx: Context,
  id: string,
  change: 'edit' | 'delete',
): Promise<Pick<Comment, 'body' | 'projectId'>> {
  const viewer = requireViewer(ctx)
  const found = isId(id)
    ? await ctx.db.comment.findFirst({
        where: { id, ...onVisibleTask(viewer) },
        select: {
          authorId: true,
          body: true,
          taskId: true,
          projectId: true,
          project: { select: roleSelection(viewer) },
        },
      })
    : null
  if (!found) throw commentNotFound(id)
  const own = found.authorId === viewer.id
  if (!own && change === 'edit' && viewer.role !== 'ADMIN')
    throw new AppError('FORBIDDEN', 'Only its author can edit a comment.')
  const { projectId, taskId, project } = found
  const needed = own || change === 'edit' ? 'COMMENTER' : 'OWNER'
  requireRole(ctx, project, needed, { projectId, taskId, absent: () => commentNotFound(id) })
  return found
}

export function commentNotFound(id: string): AppError {
  return new AppError('NOT_FOUND', `Comment ${JSON.stringify(id)} does not exist or you cannot see it.`, {
    path: ['id'],
  })
}
