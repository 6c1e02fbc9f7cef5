import { Prisma } from '../../../generated/prisma/client.ts'
import type { ProjectRole } from '../../../generated/prisma/enums.ts'
import type { Context } from '../../../request/context.ts'
import { requireViewer } from '../../../request/viewer.ts'
import { versionConflict } from '../../../schema/conflicts.ts'
import { inVisibleProject, roleRefusal } from '../../projects/policy.ts'
import { idsOf } from '../key-type.ts'
import { type FoundTask, taskNotFound, unknownTask } from '../policy.ts'
import type { Fail, Item } from './batch.ts'

interface LockedTask<Values> extends FoundTask {
  item: Item<Values>
}

interface LockedRow extends FoundTask {
  version: number
  role: ProjectRole | null
  archivedAt: Date | null
}

/**
 * Locks the tasks of the items and checks that the viewer may change them. Locks are taken in the
 * order of the ids, so that two batches cannot deadlock. Returns the tasks that pass; `fail` gets
 * the others.
 */
export async function lockTasks<Values extends { id: string; expectedVersion?: number | null | undefined }>(
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
      "Task"."startAt", "Task"."dueAt", "Task"."dueOn",
      (SELECT "role" FROM "Membership" AS own WHERE own."projectId" = "Task"."projectId" AND own."userId" = ${viewer.id}::uuid)::text AS role,
      (SELECT "archivedAt" FROM "Project" WHERE "Project"."id" = "Task"."projectId") AS "archivedAt"
    FROM "Task" WHERE "Task"."id" = ANY(${[...ids.values()]}::uuid[]) AND "Task"."deletedAt" IS NULL
      AND ${inVisibleProject(viewer, Prisma.sql`"Task"."projectId"`)}
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
    if (!row) return refuse('NOT_FOUND', 'not_found', unknownTask(given))
    if (seen.has(row.id)) return refuse('VALIDATION_FAILED', 'repeated', 'occurs more than once in the batch')
    seen.add(row.id)
    const memberships = row.role ? [{ role: row.role }] : []
    const refusal = roleRefusal(viewer, { memberships, archivedAt: row.archivedAt }, 'EDITOR')
    if (refusal) return refuse(refusal.code, refusal.code.toLowerCase(), refusal.message)
    if (expectedVersion != null && expectedVersion !== row.version) {
      const { code, message } = versionConflict('task', row.version, expectedVersion)
      return refuse(code, 'version', message, ['expectedVersion'])
    }
    const absent = () => taskNotFound(given, ['input', 'items', item.index, 'id'])
    ctx.grants?.useRole('EDITOR', { projectId: row.projectId, taskId: row.id, absent })
    return [{ item, ...row }]
  })
}
