import type { Context } from '../../context.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { ProjectRole } from '../../generated/prisma/enums.ts'
import { versionDiffers } from '../conflicts.ts'
import { reaches, visibleProjectsSql } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import { type BatchResult, type Fail, type Item, runBatch } from './bulk.ts'
import { failureOf } from './bulk-create.ts'
import {
  type Batch,
  type BulkDeleteItemValues,
  type BulkUpdateItemValues,
  bulkDeleteItemRules,
  bulkUpdateItemRules,
} from './bulk-input.ts'
import { updateTasks } from './bulk-sql.ts'
import { idsOf } from './keys.ts'
import { checkLinks } from './links.ts'
import type { FoundTask } from './policy.ts'
import { changedTask, type TaskQuery } from './service.ts'

/** Changes up to 1,000 tasks, each its own fields. Each needs what updateTask needs, and fails by itself. */
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
        if (checked.issues.length > 0) fail(item.index, failureOf(checked), checked.issues)
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

/** Puts up to 1,000 tasks into the trash. Each needs what deleteTask needs, and fails by itself. */
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

interface LockedTask<Values> extends FoundTask {
  item: Item<Values>
}

interface LockedRow extends FoundTask {
  version: number
  role: ProjectRole | null
}

/** The rows of the items' tasks, locked, so that they stay as they are checked; in the order of their ids, so that two batches do not wait for each other. */
async function lockTasks<Values extends { id: string; expectedVersion?: number | null | undefined }>(
  ctx: Context,
  items: readonly Item<Values>[],
  fail: Fail,
): Promise<LockedTask<Values>[]> {
  const viewer = requireViewer(ctx)
  const ids = await idsOf(
    ctx,
    items.map(({ values }) => values.id),
  )
  const rows = await ctx.db.$queryRaw<LockedRow[]>`
    SELECT "Task"."id"::text AS id, "Task"."projectId"::text AS "projectId", "Task"."parentId"::text AS "parentId",
      "Task"."assigneeIds"::text[] AS "assigneeIds", "Task"."version",
      (SELECT "role" FROM "Membership" AS own WHERE own."projectId" = "Task"."projectId" AND own."userId" = ${viewer.id}::uuid)::text AS role
    FROM "Task" WHERE "Task"."id" = ANY(${[...ids.values()]}::uuid[]) AND "Task"."deletedAt" IS NULL
      AND ${visibleProjectsSql(viewer, Prisma.sql`"Task"."projectId"`) ?? Prisma.sql`TRUE`}
    ORDER BY "Task"."id" FOR NO KEY UPDATE OF "Task"`
  const byId = new Map(rows.map((row) => [row.id, row]))
  const seen = new Set<string>()
  return items.flatMap((item): LockedTask<Values>[] => {
    const { id: given, expectedVersion } = item.values
    const row = byId.get(ids.get(given) ?? '')
    const refuse = (code: Parameters<Fail>[1], rule: string, message: string, path = ['id']) => {
      fail(item.index, code, [{ path, code: rule, message }])
      return []
    }
    if (!row) return refuse('NOT_FOUND', 'not_found', `There is no task ${JSON.stringify(given)}.`)
    if (seen.has(row.id)) return refuse('VALIDATION_FAILED', 'repeated', 'is in the batch twice')
    seen.add(row.id)
    if (viewer.role !== 'ADMIN' && !(row.role && reaches(row.role, 'EDITOR')))
      return refuse(
        'FORBIDDEN',
        'forbidden',
        `This needs the role EDITOR in the project; yours is ${row.role ?? 'none'}.`,
      )
    if (expectedVersion != null && expectedVersion !== row.version) {
      const { code, message } = versionDiffers('task', row.version, expectedVersion)
      return refuse(code, 'version', message, ['expectedVersion'])
    }
    return [{ item, ...row }]
  })
}
