import { setTimeout as wait } from 'node:timers/promises'
import { hashToken, newRefreshToken } from '../../auth/tokens.ts'
import { actAs } from '../../database/actor.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Context } from '../../request/context.ts'
import { recordAct } from '../audit/record-service.ts'
import { type AuthAnswer, authAnswer, sessionEnd } from './service.ts'

/**
 * Delay of a refresh answer after the last concurrent request with the same token. A client that
 * sends the token again before any answer was sent cannot know that it was used: it lost a race and
 * is only refused. After the answer, a reused token counts as stolen.
 */
const RACE_MS = 500

/** Maximum delay of the answer, however many requests keep racing. */
const LONGEST_RACE_MS = 5_000

/**
 * Exchanges a refresh token for a new pair of tokens. Of several concurrent requests exactly one
 * succeeds. Reusing an old token ends the whole session: it was sent either by a thief or by the
 * owner after a theft, and the server cannot know which.
 */
export async function refresh(ctx: Context, refreshToken: string): Promise<AuthAnswer> {
  const hash = hashToken(refreshToken)
  const { token, hash: successor } = newRefreshToken()
  // One statement: the row lock on the token picks one winner among concurrent requests
  // on all servers.
  const [used] = await ctx.db.$queryRaw<{ sessionId: string; userId: string }[]>`
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
  if (!used) {
    await endIfReused(ctx, hash)
    throw new AppError('UNAUTHENTICATED', 'The refresh token is invalid or expired. Sign in again.')
  }
  const [user] = await Promise.all([ctx.db.user.findUniqueOrThrow({ where: { id: used.userId } }), raceEnd(ctx, hash)])
  return authAnswer(ctx, user, used.sessionId, token)
}

/**
 * Resolves when the winner can be answered. Uses the database's clock, as requests may race on
 * several servers.
 */
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

/** Ends the session if a refused token was used before and the request did not just lose a race. */
async function endIfReused(ctx: Context, hash: Uint8Array<ArrayBuffer>): Promise<void> {
  const [spent] = await ctx.db.$queryRaw<{ sessionId: string; sinceAnswer: number }[]>`
    UPDATE "RefreshToken" SET "racedAt" = clock_timestamp() WHERE "hash" = ${hash} AND "replacedAt" IS NOT NULL
    RETURNING "sessionId", (extract(epoch FROM clock_timestamp()
      - coalesce("answeredAt", "replacedAt" + ${LONGEST_RACE_MS} * interval '1 millisecond')) * 1000)::float8 AS "sinceAnswer"`
  // Measured after the query, so that a slow query cannot make an early request look late.
  if (!spent || performance.now() - ctx.request.arrivedAt > spent.sinceAnswer) return
  ctx.log.warn({ sessionId: spent.sessionId }, 'a refresh token was reused: ended its session')
  await ctx.db.$transaction(async (tx) => {
    // The server ends the session, and not who sent the token.
    await actAs(tx, null, ctx.requestId)
    const [session] = await tx.session.updateManyAndReturn({
      where: { id: spent.sessionId, revokedAt: null },
      data: { revokedAt: new Date() },
    })
    const { id, userId } = session ?? {}
    if (id && userId) await recordAct(tx, ctx, { action: 'session.reused', userId, subjectId: id })
  })
}
