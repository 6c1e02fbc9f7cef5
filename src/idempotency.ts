import type { Context, Viewer } from './context.ts'
import type { Database } from './database/client.ts'
import { nestable } from './database/nested.ts'
import type { Kept, KeyedRequest, Once } from './gateway/context.ts'
import { AppError } from './gateway/errors.ts'
import type { Prisma } from './generated/prisma/client.ts'

/** How long an answer is kept. */
const LIFETIME_HOURS = 24

/** A whole batch may be behind one key. */
const TIMEOUT_MS = 60_000

/** Ends a transaction of which nothing is to stay, and carries the answer out of it. */
class TakenBack extends Error {
  readonly answer: unknown
  constructor(answer: unknown) {
    super('the answer is not to be kept')
    this.answer = answer
  }
}

/** See GatewayContext.once. `within` makes the context that works in the transaction. */
export async function once<Answer>(
  { db, viewer }: { db: Database; viewer: Viewer },
  { key, fingerprint }: KeyedRequest,
  within: (db: Database) => Context,
  run: (context: Context) => Promise<Kept<Answer>>,
): Promise<Once<Answer>> {
  const userId = viewer.id
  try {
    return await db.$transaction(
      async (tx) => {
        await lockKey(tx, userId, key)
        const record = await tx.idempotencyRecord.findUnique({ where: { userId_key: { userId, key } } })
        if (record && !isOld(record.createdAt)) {
          if (record.fingerprint !== fingerprint) throw reused()
          return { answer: record.answer as Answer, replayed: true }
        }
        const { answer, keep } = await run(within(nestable(tx)))
        if (!keep) throw new TakenBack(answer)
        const values = { fingerprint, answer: answer as Prisma.InputJsonValue, createdAt: new Date() }
        await tx.idempotencyRecord.upsert({
          where: { userId_key: { userId, key } },
          create: { userId, key, ...values },
          update: values,
        })
        return { answer, replayed: false }
      },
      { timeout: TIMEOUT_MS },
    )
  } catch (error) {
    if (error instanceof TakenBack) return { answer: error.answer as Answer, replayed: false }
    throw error
  }
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
