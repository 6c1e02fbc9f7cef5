import type { Context } from '../../context.ts'
import { toAppError } from '../../database/errors.ts'
import { againOnDeadlock } from '../../database/retry.ts'
import { AppError } from '../../gateway/errors.ts'
import { isId } from '../../rules.ts'
import { isTaken, taken } from '../conflicts.ts'
import { requireTask } from '../tasks/policy.ts'
import { requireViewer } from '../users/policy.ts'
import type { CreateTaskRelationValues } from './input.ts'
import { storedRelation } from './kinds.ts'
import { fromSideOf, type OwnRelation } from './loader.ts'

/** Needs VIEWER. The relations of a task to tasks the viewer sees. */
export async function listRelations(ctx: Context, taskId: string): Promise<OwnRelation[]> {
  const task = await requireTask(ctx, taskId, { needed: 'VIEWER', path: ['taskId'] })
  return ctx.loaders.relations.load(task.id)
}

/** Needs EDITOR on the task's project, and to see the other task. */
export async function createRelation(
  ctx: Context,
  taskId: string,
  { type, relatedTaskId }: CreateTaskRelationValues,
): Promise<OwnRelation> {
  const viewer = requireViewer(ctx)
  const task = await requireTask(ctx, taskId, { path: ['taskId'] })
  const path = ['input', 'relatedTaskId']
  const related = await requireTask(ctx, relatedTaskId, { needed: 'VIEWER', path })
  if (related.id === task.id) throw new AppError('VALIDATION_FAILED', 'A task cannot be related to itself.', { path })
  try {
    const data = { ...storedRelation(type, task.id, related.id), creatorId: viewer.id }
    const create = () =>
      ctx.db.$transaction(async (tx) => {
        // In one order: which is the source is not, and a tree that moves is held in the order of its ids.
        await tx.$executeRaw`SELECT FROM "Task" WHERE "id" IN (${task.id}::uuid, ${related.id}::uuid) ORDER BY "id" FOR KEY SHARE`
        return tx.taskRelation.create({ data })
      })
    return fromSideOf(task.id, await againOnDeadlock(ctx.db, create))
  } catch (error) {
    if (isTaken(error, 'sourceId')) throw taken(path, 'The tasks are related like this already.')
    const known = toAppError(error)
    if (known?.issues[0]?.code !== 'no cycle') throw error
    const message = `would close a circle: over however many tasks, none may ${type.startsWith('BLOCK') ? 'block' : 'duplicate'} itself`
    throw new AppError('VALIDATION_FAILED', `${path.join('.')}: ${message}`, {
      issues: [{ path, code: 'no_cycle', message }],
    })
  }
}

/** Needs EDITOR on the task's project. Answers the relation as it was. */
export async function deleteRelation(ctx: Context, taskId: string, id: string): Promise<OwnRelation> {
  const viewer = requireViewer(ctx)
  const task = await requireTask(ctx, taskId, { path: ['taskId'] })
  const seen = (await ctx.loaders.relations.load(task.id)).find((one) => one.id === id.toLowerCase())
  if (!isId(id) || !seen) throw relationNotFound(id)
  const deleted = await ctx.db.$transaction(async (tx) => {
    // A row that is gone cannot say who deleted it.
    await tx.$executeRaw`SELECT set_config('taskwire.actor', ${viewer.id}, true)`
    return (await tx.taskRelation.deleteMany({ where: { id } })).count
  })
  if (deleted === 0) throw relationNotFound(id)
  return seen
}

const relationNotFound = (id: string) =>
  new AppError('NOT_FOUND', `The task has no relation ${JSON.stringify(id)}.`, { path: ['id'] })
