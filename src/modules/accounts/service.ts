import { hashPassword, verifyPassword } from '../../auth/passwords.ts'
import type { Database } from '../../database/client.ts'
import { AppError } from '../../gateway/errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { asViewer } from '../../request/as-viewer.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { isUniqueViolation } from '../../schema/conflicts.ts'
import { revokeApiKeys } from '../api-keys/service.ts'
import { recordFailure } from '../audit/record-service.ts'
import { withFreeKey } from '../projects/key-service.ts'
import { type AuthAnswer, endSessions, openSession } from '../sessions/service.ts'
import { addUser, emailTaken, type NewAccount } from '../users/account-service.ts'
import { requirePassword } from '../users/service.ts'
import type { ChangePasswordValues, RegisterValues, SignInValues } from './input.ts'

/**
 * Creates an account with its Inbox and signs in. The first account of the instance becomes ADMIN.
 */
export async function register(ctx: Context, { email, password, name, timeZone }: RegisterValues): Promise<AuthAnswer> {
  if (ctx.services.config.REGISTRATION === 'closed') {
    throw new AppError('FORBIDDEN', 'Registration is closed on this server. Ask an administrator for an account.')
  }
  return ctx.services.guard.registration(ctx.request.remoteAddress, async () => {
    const passwordHash = await hashPassword(password)
    const user = await withFreeKey(ctx.db, name, (key) =>
      createFirstOrFurther(ctx.db, { email, name, passwordHash, ...(timeZone != null && { timeZone }) }, key),
    ).catch((error: unknown) => {
      // A concurrent request registered the address after the check in createFirstOrFurther.
      throw isUniqueViolation(error, 'email') ? emailTaken() : error
    })
    return openSession(ctx, user)
  })
}

/** Key of the advisory lock. All servers on one database must use the same number. */
const FIRST_ACCOUNT_LOCK = 4_861_002

function createFirstOrFurther(db: Database, account: Omit<NewAccount, 'role'>, inboxKey: string): Promise<User> {
  return db.$transaction(async (tx) => {
    if (await tx.user.findUnique({ where: { email: account.email }, select: { id: true } })) throw emailTaken()
    // Without the lock, two concurrent registrations could both become the first account.
    const firstAccount = await tx.user.findFirst({ select: { id: true } })
    if (!firstAccount) await tx.$executeRaw`SELECT pg_advisory_xact_lock(${FIRST_ACCOUNT_LOCK})`
    const isFirst = !firstAccount && (await tx.user.findFirst({ select: { id: true } })) === null
    return addUser(tx, { ...account, role: isFirst ? 'ADMIN' : 'MEMBER' }, inboxKey)
  })
}

/**
 * Opens a session if the password is correct. An unknown account, a disabled account and a wrong
 * password get the same answer.
 */
export async function signIn(ctx: Context, { email, password }: SignInValues): Promise<AuthAnswer> {
  const user = await ctx.services.guard.attempt(email, ctx.request.remoteAddress, async () => {
    const found = await ctx.db.user.findUnique({ where: { email } })
    const matches = await verifyPassword(password, found?.passwordHash)
    return found && matches && !found.disabledAt ? found : null
  })
  if (!user) {
    recordFailure(ctx, email, 'signIn.failed')
    throw new AppError('UNAUTHENTICATED', 'The e-mail address or password is incorrect.')
  }
  return openSession(ctx, user)
}

/**
 * Changes the viewer's password and ends all their other sessions, so that anyone who knew the old
 * password is signed out. Their API keys are revoked only if they ask for it.
 */
export async function changePassword(
  ctx: Context,
  { currentPassword, newPassword, revokeApiKeys: revokes }: ChangePasswordValues,
): Promise<boolean> {
  const viewer = requireViewer(ctx)
  const user = await ctx.db.user.findUniqueOrThrow({ where: { id: viewer.id } })
  await requirePassword(ctx, user, currentPassword)
  const passwordHash = await hashPassword(newPassword)
  await asViewer(ctx, async (tx) => {
    await tx.user.update({ where: { id: viewer.id }, data: { passwordHash } })
    await endSessions({ db: tx }, viewer.id, viewer.credential.kind === 'session' ? viewer.credential.id : undefined)
    if (revokes) await revokeApiKeys({ db: tx }, viewer.id)
  })
  return true
}
