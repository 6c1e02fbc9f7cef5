import { generateKeyBetween } from 'fractional-indexing'
import { AppError, type Issue } from '../../gateway/errors.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { updateVersioned, type Version } from '../../schema/versioned.ts'
import { MAX_RANK, type RepositionTaskValues } from './input.ts'
import { idsOf } from './key-type.ts'
import { linkError } from './link-errors.ts'
import { findVisibleTasks } from './link-lookups.ts'
import { type FoundTask, requireTask, unknownTask } from './policy.ts'
import type { TaskQuery } from './rows.ts'
import { expectedTask } from './service.ts'
import { withTreeLock } from './tree.ts'

/** The ids of the tasks that a task comes between. */
interface Neighbours {
  beforeId?: string | undefined
  afterId?: string | undefined
}

/**
 * Puts a task between others, in another column if a status is given. Changes no other task: the
 * task gets a rank between theirs. Needs EDITOR.
 */
export async function repositionTask(
  ctx: Context,
  id: string,
  input: RepositionTaskValues,
  version: Version,
  query: TaskQuery,
) {
  const viewer = requireViewer(ctx)
  const task = await requireTask(ctx, id)
  const neighbours = await requireNeighbours(ctx, task, input)
  const status = input.status ?? undefined
  return updateVersioned(expectedTask(ctx, task.id, version), (where) =>
    withTreeLock(ctx, null, (db) =>
      db.$transaction(async (tx) => {
        await lockOrder(tx, task.projectId)
        const rank = await rankBetween(tx, task, neighbours)
        return tx.task.update({
          ...query,
          where: { ...where, projectId: task.projectId, deletedAt: null },
          data: { rank, status, updatedById: viewer.id },
        })
      }),
    ),
  )
}

/** Returns the ids of the neighbours: other live tasks of the project that the viewer sees. */
async function requireNeighbours(
  ctx: Context,
  { id, projectId }: FoundTask,
  given: RepositionTaskValues,
): Promise<Neighbours> {
  const named = (['beforeId', 'afterId'] as const).flatMap((field) => {
    const name = given[field]
    return name == null ? [] : [{ field, name }]
  })
  const names = await idsOf(
    ctx,
    named.map(({ name }) => name),
  )
  const visible = await findVisibleTasks(ctx, names)
  const found: Neighbours = {}
  const issues = named.flatMap(({ field, name }): Issue[] => {
    const refuse = (code: string, message: string) => [{ path: ['input', field], code, message }]
    const other = visible.get(name)
    if (!other) return refuse('not_found', unknownTask(name))
    if (other.projectId !== projectId) return refuse('another_project', 'is a task of another project')
    if (other.id === id) return refuse('same_task', 'is the task itself: name another task')
    if (other.id === found.beforeId) return refuse('same_task', 'is the same task as beforeId')
    found[field] = other.id
    return []
  })
  if (issues.length > 0) throw linkError(issues)
  return found
}

type Tx = Prisma.TransactionClient

/** Two tasks put in one place one after the other get different ranks. Held until commit. */
async function lockOrder(tx: Tx, projectId: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`taskwire.task_order ${projectId}`}, 0))`
}

/**
 * Returns a rank between the neighbours, next to one of them. Counts tasks of every status and in the
 * trash as neighbours, because they share the order. Keeps the rank of a task in its place.
 */
async function rankBetween(tx: Tx, task: FoundTask, { beforeId, afterId }: Neighbours): Promise<string> {
  const { own, before, after, next } = await readRanks(tx, task, beforeId, afterId)
  if (before !== null && after !== null && before < after) {
    const message = 'comes after beforeId: name two tasks in the order they have on the board'
    throw linkError([{ path: ['input', 'afterId'], code: 'order', message }])
  }
  const [low, high] =
    after !== null
      ? [after, (await nearest(tx, task, 'next', after)) ?? (next > after ? next : null)]
      : before !== null
        ? [await nearest(tx, task, 'previous', before), before]
        : [await nearest(tx, task, 'previous', next), next]
  if ((low === null || own > low) && (high === null || own < high)) return own
  const rank = generateKeyBetween(low, high)
  if (rank.length <= MAX_RANK) return rank
  throw await noRoom(tx, task, low, high)
}

/**
 * Explains that thousands of tasks were put in one place, each next to the one before. Their ranks
 * became long; that of the task they were put next to did not. Without it, there is room again.
 */
async function noRoom(tx: Tx, { projectId }: FoundTask, low: string | null, high: string | null): Promise<AppError> {
  const shorter = (low ?? '').length <= (high ?? '').length ? low : high
  const [row] = await tx.$queryRaw<{ key: string }[]>`
    SELECT "key" FROM "Task" WHERE "projectId" = ${projectId}::uuid AND "rank" COLLATE "C" = ${shorter}`
  const advice = row ? `Move ${row.key} to another place first` : 'Choose another place'
  return new AppError('CONFLICT', `There is no room left in this place. ${advice}.`)
}

interface Ranks {
  own: string
  before: string | null
  after: string | null
  /** The rank of the next task that will be created: no task has it yet. */
  next: string
}

/** Reads ranks under the lock. A neighbour may have left meanwhile. */
async function readRanks(
  tx: Tx,
  { id, projectId }: FoundTask,
  beforeId: string | undefined,
  afterId: string | undefined,
): Promise<Ranks> {
  const rankOf = (one: string | undefined) =>
    Prisma.sql`(SELECT "rank" FROM "Task" WHERE "id" = ${one ?? null}::uuid AND "projectId" = ${projectId}::uuid)`
  const [row] = await tx.$queryRaw<(Omit<Ranks, 'own'> & { own: string | null })[]>`
    SELECT ${rankOf(id)} AS own, ${rankOf(beforeId)} AS before, ${rankOf(afterId)} AS after,
      (SELECT task_rank("taskCounter" + 1) FROM "Project" WHERE "id" = ${projectId}::uuid) AS next`
  const left = row === undefined || row.own === null || row.next === null
  if (left || (beforeId && row.before === null) || (afterId && row.after === null))
    throw new AppError('CONFLICT', 'One of the tasks has just left the project. Read the board again.')
  return { ...row, own: row.own ?? '' }
}

/** Returns the rank of the next or the previous task, without the task that moves. */
async function nearest(tx: Tx, { id, projectId }: FoundTask, way: 'next' | 'previous', rank: string) {
  const [operator, direction] =
    way === 'next' ? [Prisma.raw('>'), Prisma.raw('ASC')] : [Prisma.raw('<'), Prisma.raw('DESC')]
  const rows = await tx.$queryRaw<{ rank: string }[]>`
    SELECT "rank" FROM "Task" WHERE "projectId" = ${projectId}::uuid AND "rank" COLLATE "C" ${operator} ${rank} AND "id" <> ${id}::uuid
    ORDER BY "rank" COLLATE "C" ${direction} LIMIT 1`
  return rows[0]?.rank ?? null
}
