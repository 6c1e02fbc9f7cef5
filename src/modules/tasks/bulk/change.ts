import type { Context } from '../../../request/context.ts'
import { requireViewer } from '../../../request/viewer.ts'
import { linkErrorCode } from '../link-errors.ts'
import { checkLinks } from '../links.ts'
import type { TaskQuery } from '../rows.ts'
import { changedTask } from '../service.ts'
import { type BatchResult, runBatch } from './batch.ts'
import {
  type Batch,
  type BulkDeleteItemValues,
  type BulkUpdateItemValues,
  bulkDeleteItemRules,
  bulkUpdateItemRules,
} from './input.ts'
import { lockTasks } from './lock.ts'
import { updateTasks } from './statements.ts'

/** Updates up to 1,000 tasks. Each item is checked like updateTask, and fails on its own. */
export async function bulkUpdateTasks(ctx: Context, batch: Batch, query: TaskQuery): Promise<BatchResult> {
  const viewer = requireViewer(ctx)
  const changes = new Map<number, { id: string; patch: ReturnType<typeof changedTask> }>()
  return runBatch<BulkUpdateItemValues>(ctx, batch, query, {
    rules: bulkUpdateItemRules,
    lock: (items) => (items.some(({ values }) => values.parentId != null) ? 'alone' : null),

    async check(within, items, fail) {
      const found = await lockTasks(within, items, fail)
      const links = await checkLinks(
        within,
        found.map(({ item, ...now }) => ({ ...item.values, projectId: now.projectId, taskId: now.id, now })),
      )
      for (const [place, { item, id }] of found.entries()) {
        const checked = links[place]
        if (!checked) continue
        if (checked.issues.length > 0) fail(item.index, linkErrorCode(checked.issues), checked.issues)
        else changes.set(item.index, { id, patch: changedTask(item.values, checked) })
      }
    },

    async apply({ db }, items) {
      const wanted = items.flatMap(({ index }) => changes.get(index) ?? [])
      await db.$executeRaw(updateTasks(viewer.id, wanted))
      return wanted.map(({ id }) => id)
    },
  })
}

/**
 * Moves up to 1,000 tasks to the trash. Each item is checked like deleteTask, and fails on its own.
 */
export async function bulkDeleteTasks(ctx: Context, batch: Batch, query: TaskQuery): Promise<BatchResult> {
  const viewer = requireViewer(ctx)
  const ids = new Map<number, string>()
  return runBatch<BulkDeleteItemValues>(ctx, batch, query, {
    rules: bulkDeleteItemRules,
    lock: () => null,

    async check(within, items, fail) {
      for (const { item, id } of await lockTasks(within, items, fail)) ids.set(item.index, id)
    },

    async apply({ db }, items) {
      const wanted = items.flatMap(({ index }) => ids.get(index) ?? [])
      await db.$executeRaw`UPDATE "Task" SET "deletedAt" = ${new Date()}, "updatedById" = ${viewer.id}::uuid
        WHERE "id" = ANY(${wanted}::uuid[])`
      return wanted
    },
  })
}
