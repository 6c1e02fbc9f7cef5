import { v7 as uuidv7 } from 'uuid'
import { newRefreshToken } from '../../auth/tokens.ts'
import { actorSql } from '../../database/actor.ts'
import type { Database } from '../../database/client.ts'
import { AppError } from '../../gateway/errors.ts'
import { Prisma, type Session, type User } from '../../generated/prisma/client.ts'
import { asViewer } from '../../request/as-viewer.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { byTime, type Connection, loadPage, type PageArguments } from '../../schema/lists.ts'
import { isId } from '../../schema/rules.ts'

export interface AuthAnswer {
  accessToken: string
  refreshToken: string
  /** Lifetime of the access token, in seconds. */
  expiresIn: number
  user: User
}

/** Opens a session for an authenticated user. */
export async function openSession(ctx: Context, user: User): Promise<AuthAnswer> {
  const { token, hash } = newRefreshToken()
  const id = uuidv7()
  const actor = actorSql({ id: user.id, credential: { kind: 'session', id } }, ctx.requestId)
  await ctx.db.$executeRaw`
    WITH actor AS MATERIALIZED (SELECT ${actor}),
      opened AS (
        INSERT INTO "Session" ("id", "userId", "userAgent", "expiresAt")
          SELECT ${id}::uuid, ${user.id}::uuid, ${ctx.request.userAgent}, ${sessionEnd(ctx)}::timestamptz FROM actor
        RETURNING "id"
      )
    INSERT INTO "RefreshToken" ("hash", "sessionId") SELECT ${hash}, "id" FROM opened`
  // Ends the sessions beyond the maximum: those that were unused for longest, but not the newest. A
  // statement of its own, which sees the sessions that were opened meanwhile.
  await ctx.db.$executeRaw`
    WITH actor AS MATERIALIZED (SELECT ${actor})
    UPDATE "Session" SET "revokedAt" = now() WHERE "revokedAt" IS NULL AND "id" IN (
      SELECT "id" FROM "Session", actor WHERE "userId" = ${user.id}::uuid AND "id" <> ${id}::uuid
        AND "revokedAt" IS NULL AND "expiresAt" > now()
      ORDER BY "lastUsedAt" DESC, "id" DESC OFFSET ${ctx.services.config.MAX_SESSIONS_PER_USER - 1})`
  return authAnswer(ctx, user, id, token)
}

/** Returns the expiry of a session that is used now. */
export function sessionEnd(ctx: Context): Date {
  return new Date(Date.now() + ctx.services.config.REFRESH_TOKEN_TTL * 1000)
}

/**
 * Builds the answer to a sign-in or refresh, and makes the user the viewer of
 * the current operation.
 */
export function authAnswer(ctx: Context, user: User, sessionId: string, refreshToken: string): AuthAnswer {
  const { tokens } = ctx.services
  const accessToken = tokens.sign({ userId: user.id, sessionId })
  const { id, role, inboxId } = user
  const expiresAt = Date.now() + tokens.lifetime * 1000
  // The rest of the operation runs as this user, so the answer can show their own e-mail address.
  ctx.viewer = { id, role, inboxId, scopes: null, credential: { kind: 'session', id: sessionId, expiresAt } }
  return { accessToken, refreshToken, expiresIn: tokens.lifetime, user }
}

/** Ends the session of the access token. */
export async function signOut(ctx: Context): Promise<boolean> {
  const viewer = requireViewer(ctx)
  const { credential } = viewer
  if (credential.kind !== 'session') {
    throw new AppError('FORBIDDEN', 'This token was issued by an external identity provider. Sign out there.')
  }
  await ctx.db.$executeRaw`
    WITH actor AS MATERIALIZED (SELECT ${actorSql(viewer, ctx.requestId)})
    UPDATE "Session" SET "revokedAt" = now() FROM actor WHERE "id" = ${credential.id}::uuid AND "revokedAt" IS NULL`
  return true
}

/** Ends every session of the viewer, including the current one. */
export async function signOutEverywhere(ctx: Context): Promise<boolean> {
  const { id } = requireViewer(ctx)
  await asViewer(ctx, (tx) => endSessions({ db: tx }, id))
  return true
}

/** Ends all sessions of a user, except the one given as `except`. */
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

/** Lists the viewer's open sessions, newest first. */
export async function listSessions(ctx: Context, args: PageArguments): Promise<Connection<Session>> {
  const viewer = requireViewer(ctx)
  return loadPage(ctx.db, args, {
    table: 'Session',
    where: Prisma.sql`"userId" = ${viewer.id}::uuid AND "revokedAt" IS NULL AND "expiresAt" > now()`,
    order: [byTime('createdAt', 'desc', 'Session')],
    model: 'session',
    query: {},
  })
}

/** Ends one session of the viewer. */
export async function revokeSession(ctx: Context, id: string): Promise<Session> {
  const viewer = requireViewer(ctx)
  const missing = new AppError('NOT_FOUND', `Session ${JSON.stringify(id)} does not exist or has ended.`, {
    path: ['id'],
  })
  const where = { id, userId: viewer.id, revokedAt: null, expiresAt: { gt: new Date() } }
  if (!isId(id)) throw missing
  const [session] = await asViewer(ctx, (tx) =>
    tx.session.updateManyAndReturn({ where, data: { revokedAt: new Date() } }),
  )
  if (!session) throw missing
  return session
}

const DAY_MS = 86_400_000

/** Deletes sessions that ended more than a day ago, with their tokens. Returns how many. */
export function purgeSessions(db: Database): Promise<number> {
  const before = new Date(Date.now() - DAY_MS)
  return db.$executeRaw`DELETE FROM "Session" WHERE "expiresAt" < ${before} OR "revokedAt" < ${before}`
}
