import { z } from 'zod'
import { checkPage, pageRules } from '../../schema/lists.ts'
import { notNull, text } from '../../schema/rules.ts'

const body = text(10_000, 1)
  .refine((value) => value.trim() !== '', 'must not be blank')
  .meta({ pattern: '\\S', examples: ['@ada@example.org, can you look at this?'] })

/** Maximum number of people that one comment can mention. Further mentions are plain text. */
export const MAX_MENTIONS = 50
export const mentions = z.array(z.string()).max(MAX_MENTIONS)

export const createCommentRules = z.object({ body })
export const updateCommentRules = z.object({ body: notNull(body) })

/** Accepts any string as taskId: the policy answers NOT_FOUND for one that is neither id nor key. */
export const listCommentsRules = pageRules.extend({ taskId: z.string() }).check(checkPage)
export const pageOfCommentsRules = pageRules.extend({}).check(checkPage)

export type CreateCommentValues = z.infer<typeof createCommentRules>
export type UpdateCommentValues = z.infer<typeof updateCommentRules>
export type ListCommentsValues = z.infer<typeof listCommentsRules>
