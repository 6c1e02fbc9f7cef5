import { setTimeout as wait } from 'node:timers/promises'
import { hashToken, newRefreshToken } from '../../auth/tokens.ts'
import type { Context } from '../../context.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma, type Session, type User } from '../../generated/prisma/client.ts'
import { byTime, type Connection, loadPage, type PageArguments } from '../../pagination.ts'
import { isId } from '../../rules.ts'
import { requireViewer } from '../users/policy.ts'

export interface AuthAnswer {
  accessToken: string
  refreshToken: string
  /** Seconds. */
  expiresIn: number
  user: User
}

/** Opens a session for a user who has proved who they are. */
export async function openSession(ctx: Context, user: User): Promise<AuthAnswer> {
  const { token, hash } = newRefreshToken()
  const session = await ctx.db.session.create({
    data: {
      userId: user.id,
      userAgent: ctx.request.userAgent,
      expiresAt: sessionEnd(ctx),
      refreshTokens: { create: { hash } },
    },
  })
  return answer(ctx, user, session.id, token)
}

function sessionEnd(ctx: Context): Date {
  return new Date(Date.now() + ctx.services.config.REFRESH_TOKEN_TTL * 1000)
}

function answer(ctx: Context, user: User, sessionId: string, refreshToken: string): AuthAnswer {
  const { tokens } = ctx.services
  const accessToken = tokens.sign({ userId: user.id, sessionId })
  const { id, role, inboxId } = user
  const expiresAt = Date.now() + tokens.lifetime * 1000
  // From here on the operation speaks as the user it signed in: the answer shows them their own address.
  ctx.viewer = { id, role, inboxId, scopes: null, credential: { kind: 'session', id: sessionId, expiresAt } }
  return { accessToken, refreshToken, expiresIn: tokens.lifetime, user }
}

/**
 * How long a refresh is held back. Whoever sends a token again before anybody was told of its successor cannot know that it
 * is spent: such a request lost a race and is only refused. After that, a spent token is a stolen one.
 */
const RACE_MS = 250

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
  const [user] = await Promise.all([ctx.db.user.findUniqueOrThrow({ where: { id: traded.userId } }), wait(RACE_MS)])
  return answer(ctx, user, traded.sessionId, token)
}

async function endIfReused(ctx: Context, hash: Uint8Array<ArrayBuffer>): Promise<void> {
  // Both times are the database's; only the time since this request arrived is ours.
  const [spent] = await ctx.db.$queryRaw<{ sessionId: string; age: number }[]>`
    SELECT "sessionId", (extract(epoch FROM clock_timestamp() - "replacedAt") * 1000)::float8 AS age
    FROM "RefreshToken" WHERE "hash" = ${hash} AND "replacedAt" IS NOT NULL`
  if (!spent) return
  const ageOnArrival = spent.age - (performance.now() - ctx.request.arrivedAt)
  if (ageOnArrival < RACE_MS) return
  ctx.log.warn({ sessionId: spent.sessionId }, 'a spent refresh token came again: its session is ended')
  await ctx.db.session.updateMany({ where: { id: spent.sessionId, revokedAt: null }, data: { revokedAt: new Date() } })
}

/** Ends the session of the access token. */
export async function signOut(ctx: Context): Promise<boolean> {
  const { credential } = requireViewer(ctx)
  if (credential.kind !== 'session') {
    throw new AppError('FORBIDDEN', 'This token is of an outside identity provider: sign out there.')
  }
  await ctx.db.session.updateMany({ where: { id: credential.id, revokedAt: null }, data: { revokedAt: new Date() } })
  return true
}

/** Ends every session of the viewer, this one included. */
export async function signOutEverywhere(ctx: Context): Promise<boolean> {
  await endSessions(ctx, requireViewer(ctx).id)
  return true
}

/** Ends a user's sessions, all or all but one. */
export async function endSessions(
  ctx: { db: Pick<Context['db'], 'session'> },
  userId: string,
  except?: string,
): Promise<void> {
  await ctx.db.session.updateMany({
    where: { userId, revokedAt: null, ...(except !== undefined && { id: { not: except } }) },
    data: { revokedAt: new Date() },
  })
}

/** The viewer's open sessions, newest first. */
export async function listSessions(ctx: Context, args: PageArguments): Promise<Connection<Session>> {
  const viewer = requireViewer(ctx)
  return loadPage(ctx.db, args, {
    table: 'Session',
    where: Prisma.sql`"userId" = ${viewer.id}::uuid AND "revokedAt" IS NULL AND "expiresAt" > now()`,
    order: [byTime('createdAt', 'desc', 'Session')],
    load: (ids) => ctx.db.session.findMany({ where: { id: { in: ids } } }),
  })
}

/** Ends one session of the viewer. */
export async function revokeSession(ctx: Context, id: string): Promise<Session> {
  const viewer = requireViewer(ctx)
  const missing = new AppError('NOT_FOUND', `There is no session ${JSON.stringify(id)}.`, { path: ['id'] })
  const where = { id, userId: viewer.id, revokedAt: null, expiresAt: { gt: new Date() } }
  if (!isId(id)) throw missing
  const [session] = await ctx.db.session.updateManyAndReturn({ where, data: { revokedAt: new Date() } })
  if (!session) throw missing
  return session
}
