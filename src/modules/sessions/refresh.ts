import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { hashToken, newRefreshToken } from '../../auth/tokens.ts'
import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import { type AuthAnswer, authAnswer, sessionEnd } from './service.ts'

/**
 * How long a refresh is held back. Whoever sends a token again before anybody was told of its successor cannot know that it
 * is spent: such a request lost a race and is only refused. After that, a spent token is a stolen one.
 */
const RACE_MS = 500

/**
 * When the trade of a token was answered, by `performance.now()`; Infinity while it is held back. Of trades of this process
 * only: of another's, the age of the trade in the database has to do.
 */
const answeredAt = new LRUCache<string, number>({ max: 10_000, ttl: 600_000 })

const keyOf = (hash: Uint8Array) => Buffer.from(hash).toString('base64')

/**
 * Trades a refresh token for a new one and an access token. Of many at once exactly one succeeds. A token that was
 * traded before ends the whole session: either the thief or the owner sends it, and there is no telling which.
 */
export async function refresh(ctx: Context, refreshToken: string): Promise<AuthAnswer> {
  const hash = hashToken(refreshToken)
  const { token, hash: successor } = newRefreshToken()
  // One statement: the row of the spent token decides between those who come at once, on any server.
  const [traded] = await ctx.db.$queryRaw<{ sessionId: string; userId: string }[]>`
    WITH spent AS (
      UPDATE "RefreshToken" t SET "replacedAt" = clock_timestamp() FROM "Session" s, "User" u
      WHERE t."hash" = ${hash} AND t."replacedAt" IS NULL AND s."id" = t."sessionId" AND s."revokedAt" IS NULL
        AND s."expiresAt" > now() AND u."id" = s."userId" AND u."disabledAt" IS NULL
      RETURNING s."id" AS "sessionId", s."userId"
    ), fresh AS (
      INSERT INTO "RefreshToken" ("hash", "sessionId") SELECT ${successor}, "sessionId" FROM spent
    ), used AS (
      UPDATE "Session" SET "lastUsedAt" = now(), "expiresAt" = ${sessionEnd(ctx)} WHERE "id" = (SELECT "sessionId" FROM spent)
    )
    SELECT "sessionId", "userId" FROM spent`
  if (!traded) {
    await endIfReused(ctx, hash)
    throw new AppError('UNAUTHENTICATED', 'The refresh token is not valid: sign in again.')
  }
  answeredAt.set(keyOf(hash), Number.POSITIVE_INFINITY)
  const [user] = await Promise.all([ctx.db.user.findUniqueOrThrow({ where: { id: traded.userId } }), wait(RACE_MS)])
  // A busy process may have requests waiting to be read that were sent long before: read them first.
  await nextTurn()
  answeredAt.set(keyOf(hash), performance.now())
  return authAnswer(ctx, user, traded.sessionId, token)
}

async function endIfReused(ctx: Context, hash: Uint8Array<ArrayBuffer>): Promise<void> {
  // Both times are the database's; only the time since this request arrived is ours.
  const [spent] = await ctx.db.$queryRaw<{ sessionId: string; age: number }[]>`
    SELECT "sessionId", (extract(epoch FROM clock_timestamp() - "replacedAt") * 1000)::float8 AS age
    FROM "RefreshToken" WHERE "hash" = ${hash} AND "replacedAt" IS NOT NULL`
  if (!spent) return
  const { arrivedAt } = ctx.request
  const answered = answeredAt.get(keyOf(hash))
  const ageOnArrival = spent.age - (performance.now() - arrivedAt)
  const lostRace = answered === undefined ? ageOnArrival < RACE_MS : arrivedAt < answered
  if (lostRace) return
  ctx.log.warn({ sessionId: spent.sessionId }, 'a spent refresh token came again: its session is ended')
  await ctx.db.session.updateMany({ where: { id: spent.sessionId, revokedAt: null }, data: { revokedAt: new Date() } })
}
