import type { Viewer } from '../../auth/viewer.ts'
import { AppError } from '../../gateway/errors.ts'
import { type Comment, Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isId } from '../../schema/rules.ts'
import { inVisibleProject, requireRole, roleSelection, visibleProjects } from '../projects/policy.ts'

export type CommentQuery = Pick<Prisma.CommentFindManyArgs, 'select' | 'include'>

/** Filters the comments a viewer can see: those on tasks they see that are not in the trash. */
export function visibleComments(viewer: Viewer): Prisma.CommentWhereInput {
  return { task: { deletedAt: null }, project: visibleProjects(viewer) }
}

/** Returns the same filter as SQL. */
export function visibleCommentsSql(viewer: Viewer): Prisma.Sql {
  return Prisma.sql`EXISTS (SELECT FROM "Task" WHERE "Task"."id" = "taskId" AND "Task"."deletedAt" IS NULL)
    AND ${inVisibleProject(viewer, Prisma.sql`"projectId"`)}`
}

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
        where: { id, ...visibleComments(viewer) },
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
