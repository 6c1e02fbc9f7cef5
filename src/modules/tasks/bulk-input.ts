import { z } from 'zod'
import { createTaskRules, updateTaskRules } from './input.ts'
import { taskId } from './keys.ts'

export const MOST_ITEMS = 1_000

/** What can be said of a batch before its items are looked at, each by itself. */
export const bulkRules = z.object({
  items: z
    .array(z.unknown())
    .min(1, 'must not be empty')
    .max(MOST_ITEMS, `takes at most ${MOST_ITEMS.toLocaleString('en')} items`),
  atomic: z.boolean().nullish(),
  dryRun: z.boolean().nullish(),
})

const expectedVersion = z.int().nullish()

export const bulkCreateItemRules = createTaskRules
export const bulkUpdateItemRules = updateTaskRules.extend({ id: taskId, expectedVersion })
export const bulkDeleteItemRules = z.object({ id: taskId, expectedVersion })

export type BulkUpdateItemValues = z.infer<typeof bulkUpdateItemRules>
export type BulkDeleteItemValues = z.infer<typeof bulkDeleteItemRules>

/** A batch as it came in: only its shape is known. */
export interface Batch {
  items: readonly unknown[]
  atomic?: boolean | null | undefined
  dryRun?: boolean | null | undefined
}
