import type { Comment } from '../../generated/prisma/client.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { defineGroupedLoader, defineLoader } from '../../request/loader.ts'
import { byTime, type Connection, type ListSource, loadPages, type PageArguments } from '../../schema/lists.ts'
import { defineRowLoader } from '../../schema/row-loader.ts'
import { onVisibleTask } from '../tasks/policy.ts'
import type { CommentQuery } from './policy.ts'

export const commentList = (query: CommentQuery) =>
  ({
    table: 'Comment',
    order: [byTime('createdAt', 'asc', 'Comment')],
    model: 'comment',
    query,
  }) satisfies ListSource

interface Asked {
  taskId: string
  args: PageArguments
  query: CommentQuery
}

/** Loads a page of comments for each task. Pages with the same arguments share a statement. */
export const loadComments = defineGroupedLoader(
  ({ args, query }: Asked) => JSON.stringify([args, query]),
  (ctx, group): Promise<Connection<Comment>[]> =>
    loadPages<Comment>(ctx.db, group[0].args, commentList(group[0].query), {
      column: Prisma.sql`"Comment"."taskId"`,
      ids: group.map(({ taskId }) => taskId),
      count: (taskId) => countComments(ctx, taskId),
    }),
)

/** Loads a comment by id; null if the viewer does not see it. */
export const loadComment = defineRowLoader<string, Comment>(async ({ db, viewer }, ids, query) => {
  if (!viewer) return ids.map(() => undefined)
  const where = { id: { in: [...new Set(ids)] }, ...onVisibleTask(viewer) }
  const byId = new Map((await db.comment.findMany({ ...query, where })).map((comment) => [comment.id, comment]))
  return ids.map((id) => byId.get(id))
})

/** Counts the comments of a task. */
export const countComments = defineLoader(async ({ db }, ids: readonly string[]): Promise<number[]> => {
  const groups = await db.comment.groupBy({ by: ['taskId'], where: { taskId: { in: [...ids] } }, _count: true })
  const counts = new Map(groups.map(({ taskId, _count }) => [taskId, _count]))
  return ids.map((id) => counts.get(id) ?? 0)
})
