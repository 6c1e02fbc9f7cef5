import { z } from 'zod'
import { grouped } from '../../../schema/rules.ts'
import { createTaskRules, updateTaskRules } from '../input.ts'
import { taskId } from '../key-type.ts'

export const MAX_ITEMS = 1_000

/** Maximum number of issues that are reported for one item. */
export const MAX_ITEM_ISSUES = 20
export const itemIssues = z.array(z.unknown()).max(MAX_ITEM_ISSUES)

/** Validates a batch as a whole. Each item is validated on its own later. */
export const bulkRules = z.object({
  items: z
    .array(z.unknown())
    .min(1, 'must not be empty')
    .max(MAX_ITEMS, `must have at most ${grouped(MAX_ITEMS)} items`),
  atomic: z.boolean().nullish(),
  dryRun: z.boolean().nullish(),
})

const expectedVersion = z.int().nullish()

export const bulkCreateItemRules = createTaskRules
export const bulkUpdateItemRules = updateTaskRules.extend({ id: taskId, expectedVersion })
export const bulkDeleteItemRules = z.object({ id: taskId, expectedVersion })

export type BulkUpdateItemValues = z.infer<typeof bulkUpdateItemRules>
export type BulkDeleteItemValues = z.infer<typeof bulkDeleteItemRules>

/** A batch whose items are not validated yet. */
export interface Batch {
  items: readonly unknown[]
  atomic?: boolean | null | undefined
  dryRun?: boolean | null | undefined
}
