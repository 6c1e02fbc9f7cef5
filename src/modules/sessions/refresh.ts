import { setTimeout as wait } from 'node:timers/promises'
import { hashToken, newRefreshToken } from '../../auth/tokens.ts'
import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import { type AuthAnswer, authAnswer, sessionEnd } from './service.ts'

/**
 * How long a refresh is held back after the last request that raced with it. Whoever sends a token again before anybody was
 * told of its successor cannot know that it is spent: such a request lost a race and is only refused. After that, a spent
 * token is a stolen one.
 */
const RACE_MS = 500

/** However many go on racing, the winner is answered after this. */
const LONGEST_RACE_MS = 5_000

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
  const [user] = await Promise.all([
    ctx.db.user.findUniqueOrThrow({ where: { id: traded.userId } }),
    raceEnd(ctx, hash),
  ])
  return authAnswer(ctx, user, traded.sessionId, token)
}

/** Resolves when the winner of a race may be answered. The times are the database's: those who race may be on other servers. */
async function raceEnd(ctx: Context, hash: Uint8Array<ArrayBuffer>): Promise<void> {
  const latest = performance.now() + LONGEST_RACE_MS
  let answered = 0
  while (answered === 0 && performance.now() < latest) {
    await wait(RACE_MS)
    answered = await ctx.db.$executeRaw`
      UPDATE "RefreshToken" SET "answeredAt" = clock_timestamp() WHERE "hash" = ${hash}
        AND greatest("replacedAt", "racedAt") <= clock_timestamp() - ${RACE_MS} * interval '1 millisecond'`
  }
}

/** Refused requests come here: with a spent token, either they lost a race, or somebody stole it. */
async function endIfReused(ctx: Context, hash: Uint8Array<ArrayBuffer>): Promise<void> {
  const [spent] = await ctx.db.$queryRaw<{ sessionId: string; sinceAnswer: number }[]>`
    UPDATE "RefreshToken" SET "racedAt" = clock_timestamp() WHERE "hash" = ${hash} AND "replacedAt" IS NOT NULL
    RETURNING "sessionId", (extract(epoch FROM clock_timestamp()
      - coalesce("answeredAt", "replacedAt" + ${LONGEST_RACE_MS} * interval '1 millisecond')) * 1000)::float8 AS "sinceAnswer"`
  // Measured after the database's, so that waiting for it cannot make an early request a late one.
  if (!spent || performance.now() - ctx.request.arrivedAt > spent.sinceAnswer) return
  ctx.log.warn({ sessionId: spent.sessionId }, 'a spent refresh token came again: its session is ended')
  await ctx.db.session.updateMany({ where: { id: spent.sessionId, revokedAt: null }, data: { revokedAt: new Date() } })
}
