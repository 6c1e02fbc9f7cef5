import type { Context, Viewer } from './context.ts'
import type { Database } from './database/client.ts'
import { isBrokenOff } from './database/errors.ts'
import { nestable } from './database/nested.ts'
import { againOnDeadlock } from './database/retry.ts'
import type { Kept, KeyedRequest, Once } from './gateway/context.ts'
import { AppError } from './gateway/errors.ts'
import type { Prisma } from './generated/prisma/client.ts'
import { lockTree } from './modules/tasks/tree.ts'

/** How long an answer is kept. */
const LIFETIME_HOURS = 24

/** A whole batch may be behind one key. */
const TIMEOUT_MS = 60_000

/** How long each of several mutations waits for what others hold, who may wait for what the earlier ones took. */
const PATIENCE_MS = 250

/** Ends a transaction of which nothing is to stay, and carries the answer out of it. */
class TakenBack extends Error {
  readonly answer: unknown
  constructor(answer: unknown, failures: readonly unknown[]) {
    super('the answer is not to be kept', { cause: failures.find(isBrokenOff) })
    this.answer = answer
  }
}

/** See GatewayContext.once. `within` makes the context that works in the transaction. */
export async function once<Answer>(
  { db, viewer }: { db: Database; viewer: Viewer },
  { key, fingerprint, several }: KeyedRequest,
  within: (db: Database) => Context,
  run: (context: Context) => Promise<Kept<Answer>>,
): Promise<Once<Answer>> {
  const userId = viewer.id
  const work = async (tx: Prisma.TransactionClient, isLast: boolean): Promise<Once<Answer>> => {
    await lockKey(tx, userId, key)
    const record = await tx.idempotencyRecord.findUnique({ where: { userId_key: { userId, key } } })
    if (record && !isOld(record.createdAt)) {
      if (record.fingerprint !== fingerprint) throw reused()
      return { answer: record.answer as Answer, replayed: true }
    }
    if (several) await keepOutOfTheWay(tx, isLast)
    const { answer, failures } = await run(within(nestable(tx)))
    if (failures.length > 0) throw new TakenBack(answer, failures)
    const values = { fingerprint, answer: answer as Prisma.InputJsonValue, createdAt: new Date() }
    await tx.idempotencyRecord.upsert({
      where: { userId_key: { userId, key } },
      create: { userId, key, ...values },
      update: values,
    })
    return { answer, replayed: false }
  }
  try {
    return await againOnDeadlock(db, (isLast) => db.$transaction((tx) => work(tx, isLast), { timeout: TIMEOUT_MS }))
  } catch (error) {
    if (error instanceof TakenBack) return { answer: error.answer as Answer, replayed: false }
    throw error
  }
}

/**
 * Several mutations take their locks in an order of the client's. So they take turns with each other, and with all that has to hold the
 * tree of sub-tasks before any row; of others' rows they are not told which, and rather begin again than wait for them for long.
 */
async function keepOutOfTheWay(tx: Prisma.TransactionClient, isLast: boolean): Promise<void> {
  await lockTree(tx, 'alone')
  if (!isLast) await tx.$executeRaw`SELECT set_config('lock_timeout', ${String(PATIENCE_MS)}, true)`
}

/** Held until commit, on every server of the database: whoever comes meanwhile hears CONFLICT. */
async function lockKey(tx: Prisma.TransactionClient, userId: string, key: string): Promise<void> {
  const name = `taskwire.idempotency ${userId} ${key}`
  const [row] = await tx.$queryRaw<{ locked: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) AS locked`
  if (row?.locked) return
  const message = 'A request with this Idempotency-Key is being worked on. Send it again for its answer.'
  throw new AppError('CONFLICT', message, { path: ['header', 'Idempotency-Key'], headers: { 'Retry-After': '1' } })
}

function reused(): AppError {
  const message = 'This Idempotency-Key was sent with another request: take a new one.'
  return new AppError('IDEMPOTENCY_KEY_REUSED', message, { path: ['header', 'Idempotency-Key'] })
}

const isOld = (createdAt: Date) => createdAt.getTime() < Date.now() - LIFETIME_HOURS * 3_600_000

/** Forgets the answers that are no longer given, and answers how many those were. */
export async function forgetOldAnswers(db: Database): Promise<number> {
  const { count } = await db.idempotencyRecord.deleteMany({
    where: { createdAt: { lt: new Date(Date.now() - LIFETIME_HOURS * 3_600_000) } },
  })
  return count
}
