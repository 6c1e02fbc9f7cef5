import type { Context } from '../../context.ts'
import { againOnDeadlock } from '../../database/retry.ts'
import { type Label, Prisma } from '../../generated/prisma/client.ts'
import { type Connection, loadPage } from '../../pagination.ts'
import { isTaken, taken, versionDiffers } from '../conflicts.ts'
import { requireProject } from '../projects/policy.ts'
import { requireViewer } from '../users/policy.ts'
import type { CreateLabelValues, ListLabelsValues, UpdateLabelValues } from './input.ts'
import { type LabelQuery, labelNotFound, requireLabel } from './policy.ts'

type Version = number | null | undefined

const DEFAULT_COLOR = '#6b7280'

/** Needs VIEWER. The labels of a project, by name. */
export async function listLabels(ctx: Context, args: ListLabelsValues, query: LabelQuery): Promise<Connection<Label>> {
  await requireProject(ctx, args.projectId, 'VIEWER', ['projectId'])
  return loadPage<Label>(ctx.db, args, {
    table: 'Label',
    where: Prisma.sql`"projectId" = ${args.projectId}::uuid`,
    order: [{ name: 'name', expression: Prisma.sql`lower("name") COLLATE "C"`, type: 'text', direction: 'asc' }],
    load: (ids) => ctx.db.label.findMany({ ...query, where: { id: { in: ids } } }),
  })
}

/** Needs EDITOR. */
export async function createLabel(ctx: Context, projectId: string, input: CreateLabelValues, query: LabelQuery) {
  await requireProject(ctx, projectId, 'EDITOR', ['projectId'])
  const { name, color } = input
  const data = { projectId, name, color: color ?? DEFAULT_COLOR, updatedById: requireViewer(ctx).id }
  try {
    return await ctx.db.label.create({ ...query, data })
  } catch (error) {
    throw isTaken(error, 'name') ? nameTaken(name) : error
  }
}

/** Needs EDITOR. */
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
    return await ctx.db.label.update({ ...query, where: { id, ...(version != null && { version }) }, data })
  } catch (error) {
    if (isTaken(error, 'name')) throw nameTaken(String(name))
    throw isGone(error) ? await goneOrChanged(ctx, id, version) : error
  }
}

/** Needs EDITOR. The tasks that bear it lose it, each with an event of its own. */
export async function deleteLabel(ctx: Context, id: string, version: Version, query: LabelQuery) {
  await requireLabel(ctx, id)
  const viewer = requireViewer(ctx)
  const remove = () =>
    ctx.db.$transaction(async (tx) => {
      // A row that is gone cannot say who deleted it.
      await tx.$executeRaw`SELECT set_config('taskwire.actor', ${viewer.id}, true)`
      // Deletions take turns: each would want tasks that another holds. Whoever gives the label to a task does not wait for this.
      await tx.$executeRaw`SELECT FROM "Label" WHERE "id" = ${id}::uuid FOR NO KEY UPDATE`
      // In one order and before the label, which whoever changes the labels of a task waits for with the task in hand.
      await tx.$executeRaw`SELECT FROM "Task" JOIN "TaskLabel" AS link ON link."taskId" = "Task"."id"
        WHERE link."labelId" = ${id}::uuid ORDER BY "Task"."id" FOR NO KEY UPDATE OF "Task"`
      return tx.label.delete({ ...query, where: { id, ...(version != null && { version }) } })
    })
  try {
    return await againOnDeadlock(ctx.db, remove)
  } catch (error) {
    throw isGone(error) ? await goneOrChanged(ctx, id, version) : error
  }
}

const isGone = (error: unknown) => error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2025'

async function goneOrChanged({ db }: Pick<Context, 'db'>, id: string, version: Version) {
  const present = await db.label.findUnique({ where: { id }, select: { version: true } })
  return present ? versionDiffers('label', present.version, version) : labelNotFound(id)
}

const nameTaken = (name: string) =>
  taken(['input', 'name'], `The project has a label named ${JSON.stringify(name)} already.`)
