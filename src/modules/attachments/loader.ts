import type { Attachment } from '../../generated/prisma/client.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { defineLoader } from '../../request/loader.ts'
import { byTime, type Connection, type ListSource, loadPages, type PageArguments } from '../../schema/lists.ts'
import type { AttachmentQuery } from './policy.ts'

export const attachmentList = (query: AttachmentQuery) =>
  ({
    table: 'Attachment',
    order: [byTime('createdAt', 'asc', 'Attachment')],
    model: 'attachment',
    query,
  }) satisfies ListSource

interface Asked {
  taskId: string
  args: PageArguments
  query: AttachmentQuery
}

/** Loads a page of attachments for each task. Pages with the same arguments share a statement. */
export const loadAttachments = defineLoader(async (ctx, asked: readonly Asked[]): Promise<Connection<Attachment>[]> => {
  const found = new Map<Asked, Connection<Attachment>>()
  for (const group of Map.groupBy(asked, ({ args, query }) => JSON.stringify([args, query])).values()) {
    const [first] = group
    if (!first) continue
    const pages = await loadPages<Attachment>(ctx.db, first.args, attachmentList(first.query), {
      column: Prisma.sql`"Attachment"."taskId"`,
      ids: group.map(({ taskId }) => taskId),
      count: (taskId) => countAttachments(ctx, taskId),
    })
    for (const [index, page] of pages.entries()) found.set(group[index] as Asked, page)
  }
  return asked.map((one) => found.get(one) as Connection<Attachment>)
})

/** Counts the attachments of a task. */
export const countAttachments = defineLoader(async ({ db }, ids: readonly string[]): Promise<number[]> => {
  const groups = await db.attachment.groupBy({ by: ['taskId'], where: { taskId: { in: [...ids] } }, _count: true })
  const counts = new Map(groups.map(({ taskId, _count }) => [taskId, _count]))
  return ids.map((id) => counts.get(id) ?? 0)
})
