import { AppError } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isId } from '../../schema/rules.ts'
import { requireRole, roleSelection } from '../projects/policy.ts'
import { onVisibleTask } from '../tasks/policy.ts'

export type AttachmentQuery = Pick<Prisma.AttachmentFindManyArgs, 'select' | 'include'>

/**
 * Requires the right to delete an attachment: its uploader needs EDITOR, others need OWNER. Throws
 * NOT_FOUND or FORBIDDEN.
 */
export async function requireDeletable(ctx: Context, id: string): Promise<void> {
  const viewer = requireViewer(ctx)
  const found = isId(id)
    ? await ctx.db.attachment.findFirst({
        where: { id, ...onVisibleTask(viewer) },
        select: { uploaderId: true, taskId: true, projectId: true, project: { select: roleSelection(viewer) } },
      })
    : null
  if (!found) throw attachmentNotFound(id)
  const { uploaderId, projectId, taskId, project } = found
  const needed = uploaderId === viewer.id ? 'EDITOR' : 'OWNER'
  requireRole(ctx, project, needed, { projectId, taskId, absent: () => attachmentNotFound(id) })
}

export function attachmentNotFound(id: string): AppError {
  return new AppError('NOT_FOUND', `Attachment ${JSON.stringify(id)} does not exist or you cannot see it.`, {
    path: ['id'],
  })
}
