import { actAs } from '../../database/actor.ts'
import { retryOnDeadlock } from '../../database/retry.ts'
import { type Label, Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isUniqueViolation, uniqueConflict } from '../../schema/conflicts.ts'
import { type Connection, loadPage } from '../../schema/lists.ts'
import { type Quota, withinQuota } from '../../schema/quota.ts'
import { expectsRow, updateVersioned, type Version } from '../../schema/versioned.ts'
import { requireProject } from '../projects/policy.ts'
import type { CreateLabelValues, ListLabelsValues, UpdateLabelValues } from './input.ts'
import { type LabelQuery, labelNotFound, requireLabel } from './policy.ts'

const DEFAULT_COLOR = '#6b7280'

/** Lists the labels of a project, sorted by name. Needs VIEWER. */
export async function listLabels(ctx: Context, args: ListLabelsValues, query: LabelQuery): Promise<Connection<Label>> {
  await requireProject(ctx, args.projectId, 'VIEWER', ['projectId'])
  return loadPage<Label>(ctx.db, args, {
    table: 'Label',
    where: Prisma.sql`"projectId" = ${args.projectId}::uuid`,
    order: [{ name: 'name', expression: Prisma.sql`fold_name("name") COLLATE "C"`, type: 'text', direction: 'asc' }],
    model: 'label',
    query,
  })
}

/** Adds a label to a project. Needs EDITOR. Throws CONFLICT if the name is taken. */
export async function createLabel(ctx: Context, projectId: string, input: CreateLabelValues, query: LabelQuery) {
  await requireProject(ctx, projectId, 'EDITOR', ['projectId'])
  const { name, color } = input
  const data = { projectId, name, color: color ?? DEFAULT_COLOR, updatedById: requireViewer(ctx).id }
  try {
    return await withinQuota(ctx, quotaOf(projectId), (tx) => tx.label.create({ ...query, data }))
  } catch (error) {
    throw isUniqueViolation(error, 'name') ? nameTaken(name) : error
  }
}

const quotaOf = (projectId: string): Quota => ({
  setting: 'MAX_LABELS_PER_PROJECT',
  of: { table: 'Project', id: projectId },
  explain: 'labels per project: delete one first',
  count: (tx) => tx.label.count({ where: { projectId } }),
})

/** Changes a label. Needs EDITOR. Throws CONFLICT if the name is taken. */
export async function updateLabel(
  ctx: Context,
  id: string,
  { name, color }: UpdateLabelValues,
  version: Version,
  query: LabelQuery,
) {
  await requireLabel(ctx, id)
  const data = { name: name ?? undefined, color: color ?? undefined, updatedById: requireViewer(ctx).id }
  try {
    return await updateVersioned(expected(ctx, id, version), (where) => ctx.db.label.update({ ...query, where, data }))
  } catch (error) {
    throw isUniqueViolation(error, 'name') ? nameTaken(String(name)) : error
  }
}

/** Deletes a label and removes it from its tasks, with one event per task. Needs EDITOR. */
export async function deleteLabel(ctx: Context, id: string, version: Version, query: LabelQuery) {
  await requireLabel(ctx, id)
  const viewer = requireViewer(ctx)
  const remove = (where: Prisma.LabelWhereUniqueInput) =>
    ctx.db.$transaction(async (tx) => {
      await actAs(tx, viewer)
      // Deletions of one label run one at a time, or each could wait for tasks the other holds.
      // This lock does not block requests that add the label to a task.
      await tx.$executeRaw`SELECT FROM "Label" WHERE "id" = ${id}::uuid FOR NO KEY UPDATE`
      // Lock the tasks in id order and before deleting the label: a request that changes a task's
      // labels holds the task while it waits for the label.
      await tx.$executeRaw`SELECT FROM "Task" JOIN "TaskLabel" AS link ON link."taskId" = "Task"."id"
        WHERE link."labelId" = ${id}::uuid ORDER BY "Task"."id" FOR NO KEY UPDATE OF "Task"`
      return tx.label.delete({ ...query, where })
    })
  return updateVersioned(expected(ctx, id, version), (where) => retryOnDeadlock(ctx.db, () => remove(where)))
}

const expected = expectsRow('label', (db) => db.label, labelNotFound)

const nameTaken = (name: string) =>
  uniqueConflict(['input', 'name'], `The project already has a label named ${JSON.stringify(name)}.`)
