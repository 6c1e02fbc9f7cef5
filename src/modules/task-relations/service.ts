import type { Viewer } from '../../auth/viewer.ts'
import { actAs } from '../../database/actor.ts'
import { toAppError } from '../../database/errors.ts'
import { retryOnDeadlock } from '../../database/retry.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isUniqueViolation, uniqueConflict } from '../../schema/conflicts.ts'
import { grouped, isId } from '../../schema/rules.ts'
import { visibleProjects } from '../projects/policy.ts'
import { requireTask } from '../tasks/policy.ts'
import { type CreateTaskRelationValues, MAX_RELATIONS } from './input.ts'
import { storedRelation } from './kinds.ts'
import { fromSideOf, loadRelations, type OwnRelation } from './loader.ts'

/** Lists a task's relations to tasks the viewer can see. Needs VIEWER. */
export async function listRelations(ctx: Context, taskId: string): Promise<OwnRelation[]> {
  const task = await requireTask(ctx, taskId, { needed: 'VIEWER', path: ['taskId'] })
  return loadRelations(ctx, { id: task.id, first: MAX_RELATIONS })
}

/**
 * Relates a task to another. Needs EDITOR on the task's project. On the other's project it needs
 * VIEWER for RELATES_TO, else EDITOR: BLOCKS and DUPLICATES say something about the other task.
 */
export async function createRelation(
  ctx: Context,
  taskId: string,
  { type, relatedTaskId }: CreateTaskRelationValues,
): Promise<OwnRelation> {
  const viewer = requireViewer(ctx)
  const path = ['input', 'relatedTaskId']
  const requireBoth = async (within: Context) => {
    const task = await requireTask(within, taskId, { path: ['taskId'] })
    const needed = type === 'RELATES_TO' ? 'VIEWER' : 'EDITOR'
    return { task, related: await requireTask(within, relatedTaskId, { needed, path }) }
  }
  const { task, related } = await requireBoth(ctx)
  if (related.id === task.id) throw new AppError('VALIDATION_FAILED', 'A task cannot be related to itself.', { path })
  try {
    const data = { ...storedRelation(type, task.id, related.id), creatorId: viewer.id }
    const create = () =>
      ctx.db.$transaction(async (tx) => {
        // Lock both tasks in id order, as moving a tree does. Source and target can be either one.
        // Nobody else may relate them to others until these are counted.
        await tx.$executeRaw`SELECT FROM "Task" WHERE "id" IN (${task.id}::uuid, ${related.id}::uuid) ORDER BY "id" FOR NO KEY UPDATE`
        await requireRoom(tx, task.id, related.id)
        await ignoreHidden(tx, viewer)
        if (task.projectId !== related.projectId) {
          // A removal that has not committed yet would miss this relation.
          await lockMemberships(tx, viewer, [task.projectId, related.projectId])
          await requireBoth(ctx.within(tx as Context['db']))
        }
        return tx.taskRelation.create({ data })
      })
    return fromSideOf(task.id, await retryOnDeadlock(ctx.db, create))
  } catch (error) {
    if (isUniqueViolation(error, 'sourceId')) throw uniqueConflict(path, 'The tasks already have this relation.')
    const known = toAppError(error)
    if (known?.issues[0]?.code !== 'no cycle') throw error
    const message = `would create a cycle: a task cannot ${type.startsWith('BLOCK') ? 'block' : 'duplicate'} itself, not even through other tasks`
    throw new AppError('VALIDATION_FAILED', `${path.join('.')}: ${message}`, {
      issues: [{ path, code: 'no_cycle', message }],
    })
  }
}

type Transaction = Pick<Context['db'], '$executeRaw'>

/** Keeps the database's check for cycles from following relations that the viewer does not see. */
async function ignoreHidden(tx: Transaction, { id, role }: Viewer): Promise<void> {
  await tx.$executeRaw`SELECT set_config('taskwire.relator', ${role === 'ADMIN' ? '' : id}, true)`
}

/** Makes a removal of the viewer from one of the projects wait for this transaction. */
async function lockMemberships(tx: Transaction, { id }: Viewer, projectIds: readonly string[]): Promise<void> {
  await tx.$executeRaw`SELECT FROM "Membership" WHERE "userId" = ${id}::uuid AND "projectId" = ANY (${projectIds}::uuid[])
    ORDER BY "id" FOR KEY SHARE`
}

/** Deletes a relation and returns it. Needs EDITOR on the task's project. */
export async function deleteRelation(ctx: Context, taskId: string, id: string): Promise<OwnRelation> {
  const viewer = requireViewer(ctx)
  const task = await requireTask(ctx, taskId, { path: ['taskId'] })
  const other = { deletedAt: null, project: visibleProjects(viewer) }
  const sides = [
    { sourceId: task.id, target: other },
    { targetId: task.id, source: other },
  ]
  // One statement, whether the relation is unknown or hidden.
  const seen = isId(id) ? await ctx.db.taskRelation.findFirst({ where: { id, OR: sides } }) : null
  if (!seen) throw relationNotFound(id)
  const deleted = await ctx.db.$transaction(async (tx) => {
    await actAs(tx, viewer)
    return (await tx.taskRelation.deleteMany({ where: { id } })).count
  })
  if (deleted === 0) throw relationNotFound(id)
  return fromSideOf(task.id, seen)
}

/** Throws CONFLICT if one of two locked tasks has as many relations as it may have. */
async function requireRoom(tx: Prisma.TransactionClient, task: string, related: string): Promise<void> {
  const [full] = await tx.$queryRaw<{ id: string }[]>`
    SELECT task."id"::text AS id FROM unnest(${[task, related]}::uuid[]) AS task("id") WHERE ${MAX_RELATIONS}::int <=
      (SELECT count(*) FROM "TaskRelation" WHERE "sourceId" = task."id")
      + (SELECT count(*) FROM "TaskRelation" WHERE "targetId" = task."id")`
  if (!full) return
  const [which, path] =
    full.id === task ? (['The task', ['taskId']] as const) : (['The other task', ['input', 'relatedTaskId']] as const)
  const message = `${which} already has ${grouped(MAX_RELATIONS)} relations, the maximum. Delete one of them first.`
  throw new AppError('CONFLICT', message, { path: [...path] })
}

const relationNotFound = (id: string) =>
  new AppError('NOT_FOUND', `The task has no relation ${JSON.stringify(id)} that you can see.`, { path: ['id'] })
