import { actAs } from '../../database/actor.ts'
import { type Comment, Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { type Connection, loadPage } from '../../schema/lists.ts'
import { isId } from '../../schema/rules.ts'
import { expectsRow, updateVersioned, type Version } from '../../schema/versioned.ts'
import { onVisibleTask, requireTask } from '../tasks/policy.ts'
import type { CreateCommentValues, ListCommentsValues, UpdateCommentValues } from './input.ts'
import { commentList } from './loader.ts'
import { findMentions } from './mentions.ts'
import { type CommentQuery, commentNotFound, requireComment } from './policy.ts'

/** Lists the comments of a task, oldest first. Needs VIEWER. */
export async function listComments(
  ctx: Context,
  { taskId, ...page }: ListCommentsValues,
  query: CommentQuery,
): Promise<Connection<Comment>> {
  const task = await requireTask(ctx, taskId, { needed: 'VIEWER', path: ['taskId'] })
  const where = Prisma.sql`"Comment"."taskId" = ${task.id}::uuid`
  return loadPage<Comment>(ctx.db, page, { ...commentList(query), where })
}

/** Returns a comment. Throws NOT_FOUND for one the viewer cannot see. */
export async function getComment(ctx: Context, id: string, query: CommentQuery) {
  const where = { id, ...onVisibleTask(requireViewer(ctx)) }
  const found = isId(id) ? await ctx.db.comment.findFirst({ ...query, where }) : null
  if (!found) throw commentNotFound(id)
  return found
}

/** Comments on a task. Needs COMMENTER. */
export async function createComment(ctx: Context, taskId: string, { body }: CreateCommentValues, query: CommentQuery) {
  const { id: authorId } = requireViewer(ctx)
  const task = await requireTask(ctx, taskId, { needed: 'COMMENTER', path: ['taskId'] })
  const mentionIds = await findMentions(ctx.db, task.projectId, body)
  const data = { taskId: task.id, projectId: task.projectId, authorId, body, mentionIds, updatedById: authorId }
  return ctx.db.comment.create({ ...query, data })
}

/** Edits a comment. Sets editedAt if the text changes. */
export async function updateComment(
  ctx: Context,
  id: string,
  { body }: UpdateCommentValues,
  version: Version,
  query: CommentQuery,
) {
  const before = await requireComment(ctx, id, 'edit')
  const edited = body != null && body !== before.body
  const data = {
    ...(edited && { body, editedAt: new Date(), mentionIds: await findMentions(ctx.db, before.projectId, body) }),
    updatedById: requireViewer(ctx).id,
  }
  return updateVersioned(expected(ctx, id, version), (where) => ctx.db.comment.update({ ...query, where, data }))
}

/** Deletes a comment and returns it. */
export async function deleteComment(ctx: Context, id: string, version: Version, query: CommentQuery) {
  await requireComment(ctx, id, 'delete')
  const viewer = requireViewer(ctx)
  return updateVersioned(expected(ctx, id, version), (where) =>
    ctx.db.$transaction(async (tx) => {
      await actAs(tx, viewer)
      return tx.comment.delete({ ...query, where })
    }),
  )
}

const expected = expectsRow('comment', (db) => db.comment, commentNotFound)
