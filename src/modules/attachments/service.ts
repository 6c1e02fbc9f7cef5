import { actAs } from '../../database/actor.ts'
import { isMissingRow } from '../../database/errors.ts'
import { AppError } from '../../gateway/errors.ts'
import { type Attachment, Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import type { Content } from '../../request/files.ts'
import { requireViewer } from '../../request/viewer.ts'
import { type Connection, loadPage } from '../../schema/lists.ts'
import { isId } from '../../schema/rules.ts'
import { onVisibleTask, requireTask } from '../tasks/policy.ts'
import type { ListAttachmentsValues, UploadAttachmentValues } from './input.ts'
import { attachmentList } from './loader.ts'
import { type AttachmentQuery, attachmentNotFound, requireDeletable } from './policy.ts'
import { receiveUpload, type StoredUpload } from './receive.ts'
import { requireSpace } from './space.ts'

/** Lists the attachments of a task, oldest first. Needs VIEWER. */
export async function listAttachments(
  ctx: Context,
  { taskId, ...page }: ListAttachmentsValues,
  query: AttachmentQuery,
): Promise<Connection<Attachment>> {
  const task = await requireTask(ctx, taskId, { needed: 'VIEWER', path: ['taskId'] })
  const where = Prisma.sql`"Attachment"."taskId" = ${task.id}::uuid`
  return loadPage<Attachment>(ctx.db, page, { ...attachmentList(query), where })
}

/** Returns an attachment. Throws NOT_FOUND for one the viewer cannot see. */
export async function getAttachment(ctx: Context, id: string, query: AttachmentQuery) {
  const where = { id, ...onVisibleTask(requireViewer(ctx)) }
  const found = isId(id) ? await ctx.db.attachment.findFirst({ ...query, where }) : null
  if (!found) throw attachmentNotFound(id)
  return found
}

/** Attaches a file to a task. Needs EDITOR, when the file starts to arrive and when it is complete. */
export async function uploadAttachment(ctx: Context, values: UploadAttachmentValues, query: AttachmentQuery) {
  const early = values.file.received as StoredUpload | undefined
  const stored = early ?? (await receiveUpload(ctx, values))
  try {
    return await addRow(ctx, values.taskId, stored, query)
  } catch (error) {
    // Whoever received the file earlier discards it. After an unclear failure of the database there
    // may be a row: then housekeeping decides.
    if (!early && error instanceof AppError) await stored.discard()
    throw error
  }
}

async function addRow(ctx: Context, taskId: string, stored: StoredUpload, query: AttachmentQuery) {
  const viewer = requireViewer(ctx)
  const task = await requireTask(ctx, taskId, { path: ['taskId'] })
  const { id, filename, contentType, size, sha256 } = stored
  const file = { id, filename, contentType, size, sha256 }
  return ctx.db.$transaction(async (tx) => {
    await actAs(tx, viewer)
    await requireSpace(ctx, tx, task.projectId, size)
    const data = { ...file, taskId: task.id, projectId: task.projectId, uploaderId: viewer.id }
    return tx.attachment.create({ ...query, data })
  })
}

/** Deletes an attachment and returns it. The file goes when the event of it is read. */
export async function deleteAttachment(ctx: Context, id: string, query: AttachmentQuery) {
  await requireDeletable(ctx, id)
  const viewer = requireViewer(ctx)
  return ctx.db
    .$transaction(async (tx) => {
      await actAs(tx, viewer)
      return tx.attachment.delete({ ...query, where: { id } })
    })
    .catch((error: unknown) => {
      throw isMissingRow(error) ? attachmentNotFound(id) : error
    })
}

/** Returns the bytes of an attachment that the viewer was shown. */
export function openContent(
  { services: { files } }: Context,
  row: Pick<Attachment, 'id' | 'filename' | 'contentType' | 'size' | 'sha256'> & { createdAt: string },
): Content {
  const { id, filename, contentType, size, sha256, createdAt } = row
  return {
    filename,
    contentType,
    size,
    tag: Buffer.from(sha256, 'hex').toString('base64url').slice(0, 22),
    modifiedAt: new Date(createdAt),
    async read(first, last) {
      const bytes = await files.read(id, first, last)
      if (!bytes) throw new AppError('NOT_FOUND', `The file of attachment ${JSON.stringify(id)} is missing.`)
      return bytes
    },
  }
}
