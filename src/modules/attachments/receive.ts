import { createHash } from 'node:crypto'
import { v7 as newId } from 'uuid'
import type { z } from 'zod'
import { AppError, validationFailed } from '../../gateway/errors.ts'
import type { Context } from '../../request/context.ts'
import type { ReceivedFile } from '../../request/files.ts'
import { requireTask } from '../tasks/policy.ts'
import { mediaTypeOf, SNIFFED_BYTES } from './content-type.ts'
import { filename as filenameRule, type UploadAttachmentValues } from './input.ts'
import { withinSpace } from './space.ts'

/** A file that is stored, without a row. */
export interface StoredUpload extends ReceivedFile {
  id: string
  filename: string
  contentType: string
  size: number
  sha256: string
}

/**
 * Stores a file that is arriving, if the viewer may attach it: needs EDITOR on the task’s project.
 * If anything fails, nothing is left of it.
 */
export async function receiveUpload(ctx: Context, values: UploadAttachmentValues): Promise<StoredUpload> {
  const task = await requireTask(ctx, values.taskId, { path: ['taskId'] })
  const { files } = ctx.services
  const incoming = await values.file.open('UPLOAD_LIMIT')
  const filename = nameOf(values.filename ?? incoming.filename)
  const id = newId()
  const hash = createHash('sha256')
  const head: Buffer[] = []
  let size = 0
  async function* measured() {
    for await (const chunk of withinSpace(ctx, task.projectId, incoming)) {
      if (size < SNIFFED_BYTES) head.push(chunk.subarray(0, SNIFFED_BYTES - size))
      size += chunk.length
      hash.update(chunk)
      yield chunk
    }
  }
  await files.write(id, measured()).catch((error: unknown) => {
    throw isDiskFull(error) ? diskFull(error) : error
  })
  const sha256 = hash.digest('hex')
  const contentType = await mediaTypeOf(Buffer.concat(head), incoming.contentType)
  const fingerprint = { filename, contentType, size, sha256 }
  return { id, ...fingerprint, fingerprint, discard: () => files.remove(id) }
}

/** Applies the rule of names to the one that came with the file. */
function nameOf(given: string | undefined): string {
  const { success, data, error } = filenameRule.safeParse(given ?? '')
  if (success) return data
  const issues = given === undefined ? [{ message: 'is required: name the file' }] : error.issues
  throw validationFailed(issues.map((issue) => ({ path: ['filename'], code: ruleOf(issue), message: issue.message })))
}

function ruleOf(issue: { message: string } | z.core.$ZodIssue): string {
  if (!('code' in issue)) return 'required'
  if (issue.code !== 'custom') return issue.code
  return (issue.params?.rule as string | undefined) ?? 'invalid'
}

const isDiskFull = (error: unknown) => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')

function diskFull(cause: unknown): AppError {
  return new AppError('UNAVAILABLE', 'The server has no space left for files.', { cause })
}
