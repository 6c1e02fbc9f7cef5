import { AppError } from '../../gateway/errors.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { absentOrChanged } from '../../schema/versioned.ts'
import { requireProject } from '../projects/policy.ts'
import { requireTask, taskNotFound } from './policy.ts'
import type { TaskQuery } from './rows.ts'
import { expectedTask } from './service.ts'
import { withTreeLock } from './tree.ts'

/** Limits how long one move holds its locks. */
const MAX_MOVED = 1_000

async function refuseLargeTree(db: Context['db'], id: string): Promise<void> {
  const [row] = await db.$queryRaw<{ size: number }[]>`
    WITH RECURSIVE tree("id") AS (
      SELECT ${id}::uuid UNION SELECT below."id" FROM tree JOIN "Task" AS below ON below."parentId" = tree."id"
    ) SELECT count(*)::int AS size FROM (SELECT FROM tree LIMIT ${MAX_MOVED + 1}) AS counted`
  if ((row?.size ?? 0) <= MAX_MOVED) return
  const message = `The task has more than ${(MAX_MOVED - 1).toLocaleString('en')} sub-tasks. Move some of them first.`
  throw new AppError('VALIDATION_FAILED', message, { path: ['id'] })
}

/** Locks a task and its sub-tasks in the order of their ids, as batches do, to avoid deadlocks. */
async function lockRows(db: Context['db'], id: string): Promise<void> {
  await db.$executeRaw`
    WITH RECURSIVE tree("id") AS (
      SELECT ${id}::uuid UNION SELECT below."id" FROM tree JOIN "Task" AS below ON below."parentId" = tree."id"
    ) SELECT FROM "Task" WHERE "id" IN (SELECT "id" FROM tree) ORDER BY "id" FOR UPDATE`
}

/**
 * Moves a task and its sub-tasks to another project. Needs EDITOR on both projects. Tasks get new
 * keys, and the old keys still find them. Labels map by name. Assignees who are not members there
 * are removed.
 */
export async function moveTask(
  ctx: Context,
  idOrKey: string,
  projectId: string,
  version: number | null | undefined,
  query: TaskQuery,
) {
  const viewer = requireViewer(ctx)
  const { id } = await requireTask(ctx, idOrKey)
  await requireProject(ctx, projectId, 'EDITOR', ['projectId'])
  return withTreeLock(ctx, 'alone', async (tx) => {
    await refuseLargeTree(tx, id)
    await lockRows(tx, id)
    // Numbers are given in the order of the tree, the task itself first: other plans have another order.
    await tx.$executeRaw`SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
      set_config('enable_seqscan', 'off', true)`
    const moved = await tx.$executeRaw`
      WITH RECURSIVE tree("id") AS (
        SELECT "id" FROM "Task" WHERE "id" = ${id}::uuid AND "deletedAt" IS NULL AND "version" = coalesce(${version}::int, "version")
        UNION
        SELECT below."id" FROM tree JOIN "Task" AS below ON below."parentId" = tree."id"
      )
      UPDATE "Task" AS task SET
        "projectId" = ${projectId}::uuid,
        "parentId" = CASE WHEN task."id" = ${id}::uuid AND task."projectId" <> ${projectId}::uuid THEN NULL ELSE task."parentId" END,
        "labelIds" = CASE WHEN task."projectId" = ${projectId}::uuid THEN task."labelIds" ELSE ARRAY(
          SELECT there."id" FROM "Label" AS here JOIN "Label" AS there ON fold_name(there."name") COLLATE "C" = fold_name(here."name")
          WHERE here."id" = ANY (task."labelIds") AND there."projectId" = ${projectId}::uuid) END,
        "assigneeIds" = CASE WHEN task."projectId" = ${projectId}::uuid THEN task."assigneeIds" ELSE ARRAY(
          SELECT person FROM unnest(task."assigneeIds") AS person JOIN "Membership" AS member ON member."userId" = person
          WHERE member."projectId" = ${projectId}::uuid) END,
        "updatedById" = ${viewer.id}::uuid
      FROM tree WHERE task."id" = tree."id"`
    if (moved === 0) throw await absentOrChanged(expectedTask(ctx.within(tx), id, version))
    const task = await tx.task.findUnique({ ...query, where: { id } })
    if (!task) throw taskNotFound(idOrKey)
    return task
  })
}
