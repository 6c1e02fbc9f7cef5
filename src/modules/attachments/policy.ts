import type { Viewer } from '../../auth/viewer.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isId } from '../../schema/rules.ts'
import { inVisibleProject, requireRole, roleSelection, visibleProjects } from '../projects/policy.ts'

export type AttachmentQuery = Pick<Prisma.AttachmentFindManyArgs, 'select' | 'include'>

/** Filters the attachments a viewer can see: those on tasks they see that are not in the trash. */
export function visibleAttachments(viewer: Viewer): Prisma.AttachmentWhereInput {
  return { task: { deletedAt: null }, project: visibleProjects(viewer) }
}

/** Returns the same filter as SQL. */
export function visibleAttachmentsSql(viewer: Viewer): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT FROM "Task" WHERE "Task"."id" = "taskId" AND "Task"."deletedAt" IS NULL)
    AND ${inVisibleProject(viewer, Prisma.sql`"projectId"`)}`
}

/**
 * Requires the right to delete an attachment: its uploader needs EDITOR, others need OWNER. Throws
 * NOT_FOUND or FORBIDDEN.
 */
export async function requireDeletable(ctx: Context, id: string): Promise<void> {
  const viewer = requireViewer(ctx)
  const found = isId(id)
    ? await ctx.db.attachment.findFirst({
        where: { id, ...visibleAttachments(viewer) },
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
