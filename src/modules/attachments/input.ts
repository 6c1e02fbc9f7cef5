import { z } from 'zod'
import type { Upload } from '../../request/files.ts'
import { checkPage, pageRules } from '../../schema/lists.ts'
import { line } from '../../schema/rules.ts'

/** Characters, as in most file systems. */
export const MAX_FILENAME = 255

/**
 * A name to show. Clients may send a path, of which the last part is the name. The name is never
 * used as a path here, but people will save files under it.
 */
export const filename = z
  .string()
  .transform((text) => text.split(/[/\\]/).at(-1) ?? '')
  .pipe(line(MAX_FILENAME).refine((name) => !/^\.{1,2}$/.test(name), 'must be the name of a file, not of a folder'))
  .meta({ minLength: 1, maxLength: MAX_FILENAME, pattern: '\\S', examples: ['plan.pdf'] })

export const size = z.int().min(0)
export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] })

export const uploadAttachmentRules = z.object({
  taskId: z.string(),
  file: z.custom<Upload>(),
  filename: filename.nullish(),
})

/** Accepts any string as taskId: the policy answers NOT_FOUND for one that is neither id nor key. */
export const listAttachmentsRules = pageRules.extend({ taskId: z.string() }).check(checkPage)
export const pageOfAttachmentsRules = pageRules.extend({}).check(checkPage)

export type UploadAttachmentValues = z.infer<typeof uploadAttachmentRules>
export type ListAttachmentsValues = z.infer<typeof listAttachmentsRules>
