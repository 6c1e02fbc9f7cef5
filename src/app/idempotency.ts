import type { Viewer } from '../auth/viewer.ts'
import type { Database } from '../database/client.ts'
import { isRetryable } from '../database/errors.ts'
import { retryOnDeadlock } from '../database/retry.ts'
import { withSavepoints } from '../database/savepoints.ts'
import { AppError } from '../gateway/errors.ts'
import type { KeyedRequest, OnceResult, RunResult } from '../gateway/gateway-context.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import { lostGrants, requireGranted } from '../modules/projects/policy.ts'
import { lockTree } from '../modules/tasks/tree.ts'
import { Grants, type StoredGrants } from '../request/access.ts'
import type { Context } from '../request/context.ts'
import { requireAccess } from '../request/viewer.ts'

/** How long an answer is stored. */
const LIFETIME_HOURS = 24

/** Transaction time-out. A keyed request can be a whole batch. */
const TIMEOUT_MS = 60_000

/**
 * Lock time-out when a document has several mutations: other requests may wait for locks
 * it already holds.
 */
const LOCK_TIMEOUT_MS = 250

/** Thrown to roll back a transaction whose answer must not be stored. Holds the answer. */
class RolledBack extends Error {
  readonly answer: unknown
  constructor(answer: unknown, failures: readonly unknown[]) {
    super('the answer must not be stored', { cause: failures.find(isRetryable) })
    this.answer = answer
  }
}

/** Implements GatewayContext.once. `within` makes the context that works in the transaction. */
export async function once<Within extends Context, Answer>(
  { db, viewer }: { db: Database; viewer: Viewer },
  { key, fingerprint, several }: KeyedRequest,
  within: (db: Database) => Within,
  run: (context: Within) => Promise<RunResult<Answer>>,
): Promise<OnceResult<Answer>> {
  const userId = viewer.id
  const work = async (tx: Prisma.TransactionClient, isLast: boolean): Promise<OnceResult<Answer>> => {
    await lockKey(tx, userId, key)
    const record = await tx.idempotencyRecord.findUnique({ where: { userId_key: { userId, key } } })
    if (record && !isExpired(record.createdAt)) {
      if (record.fingerprint !== fingerprint) throw reused()
      await requireGrants(within(withSavepoints(tx)), record.grants as unknown as StoredGrants | null)
      return { answer: record.answer as Answer, replayed: true }
    }
    if (several) await prepareLocks(tx, isLast)
    const context = within(withSavepoints(tx))
    context.grants = new Grants()
    const { answer, failures } = await run(context)
    if (failures.length > 0) throw new RolledBack(answer, failures)
    const grants = await lastingGrants(context, context.grants.stored)
    const json = { answer, grants } as unknown as Record<'answer' | 'grants', Prisma.InputJsonObject>
    const values = { fingerprint, ...json, createdAt: new Date() }
    await tx.idempotencyRecord.upsert({
      where: { userId_key: { userId, key } },
      create: { userId, key, ...values },
      update: values,
    })
    return { answer, replayed: false }
  }
  try {
    return await retryOnDeadlock(db, (isLast) => db.$transaction((tx) => work(tx, isLast), { timeout: TIMEOUT_MS }))
  } catch (error) {
    if (error instanceof RolledBack) return { answer: error.answer as Answer, replayed: false }
    throw error
  }
}

/**
 * Checks again the rights that the stored operation used, so that a key that lost a scope and a
 * removed member do not get its answer. Throws what the operation would now.
 */
async function requireGrants(ctx: Context, grants: StoredGrants | null): Promise<void> {
  for (const access of grants?.access ?? []) requireAccess(ctx, access)
  await requireGranted(ctx, grants?.projects ?? [])
}

/**
 * Drops the rights that the operation itself has ended, as leaving a project does: they must not
 * keep its own answer from being replayed. Only an OWNER can end rights.
 */
async function lastingGrants(ctx: Context, { access, projects }: StoredGrants): Promise<StoredGrants> {
  if (!projects.some(({ needed }) => needed === 'OWNER')) return { access, projects }
  const ended = new Set((await lostGrants(ctx, projects)).map(({ grant }) => grant))
  return { access, projects: projects.filter((grant) => !ended.has(grant)) }
}

/**
 * Prepares a transaction for several mutations, whose lock order the client decides. Takes the lock
 * on the sub-task tree first, so that such documents run one at a time. Limits the wait for other
 * locks: the transaction is retried instead.
 */
async function prepareLocks(tx: Prisma.TransactionClient, isLast: boolean): Promise<void> {
  await lockTree(tx, 'alone')
  if (!isLast) await tx.$executeRaw`SELECT set_config('lock_timeout', ${String(LOCK_TIMEOUT_MS)}, true)`
}

/** Locks the key on every server until commit. Throws CONFLICT if another request holds it. */
async function lockKey(tx: Prisma.TransactionClient, userId: string, key: string): Promise<void> {
  const name = `taskwire.idempotency ${userId} ${key}`
  const [row] = await tx.$queryRaw<{ locked: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) AS locked`
  if (row?.locked) return
  const message = 'A request with this Idempotency-Key is still running. Retry in a second to get its answer.'
  throw new AppError('CONFLICT', message, { path: ['header', 'Idempotency-Key'], headers: { 'Retry-After': '1' } })
}

function reused(): AppError {
  const message = 'This Idempotency-Key was already used for a different request. Use a new key.'
  return new AppError('IDEMPOTENCY_KEY_REUSED', message, { path: ['header', 'Idempotency-Key'] })
}

const isExpired = (createdAt: Date) => createdAt.getTime() < Date.now() - LIFETIME_HOURS * 3_600_000

/** Deletes stored answers that have expired. Returns how many. */
export function purgeStoredAnswers(db: Database): Promise<number> {
  return db.$executeRaw`
    DELETE FROM "IdempotencyRecord" WHERE "createdAt" < now() - make_interval(hours => ${LIFETIME_HOURS}::int)`
}
