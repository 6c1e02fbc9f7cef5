import { hashPassword, verifyPassword } from '../../auth/passwords.ts'
import { newRefreshToken } from '../../auth/tokens.ts'
import type { Context } from '../../context.ts'
import type { Database } from '../../database/client.ts'
import { AppError } from '../../gateway/errors.ts'
import type { User } from '../../generated/prisma/client.ts'
import { isTaken, taken } from '../conflicts.ts'
import { withFreeKey } from '../projects/keys.ts'
import type { RegisterValues, SignInValues } from './input.ts'

export interface AuthAnswer {
  accessToken: string
  refreshToken: string
  /** Seconds. */
  expiresIn: number
  user: User
}

/** Makes an account with its Inbox and signs it in. The instance's first account is its ADMIN. */
export async function register(ctx: Context, { email, password, name }: RegisterValues): Promise<AuthAnswer> {
  if (ctx.services.config.REGISTRATION === 'closed') {
    throw new AppError('FORBIDDEN', 'Registration is closed on this server: ask an administrator for an account.')
  }
  const passwordHash = await hashPassword(password)
  const user = await withFreeKey(ctx.db, name, (key) =>
    createAccount(ctx.db, { email, name, passwordHash }, key),
  ).catch((error: unknown) => {
    // Somebody else took the address between our look and our insert.
    throw isTaken(error, 'email') ? emailTaken() : error
  })
  return openSession(ctx, user)
}

/** Any number: all servers of one database have to agree on it. */
const FIRST_ACCOUNT_LOCK = 4_861_002

function createAccount(
  db: Database,
  account: Pick<User, 'email' | 'name' | 'passwordHash'>,
  inboxKey: string,
): Promise<User> {
  return db.$transaction(async (tx) => {
    if (await tx.user.findUnique({ where: { email: account.email }, select: { id: true } })) throw emailTaken()
    // Without the lock two first accounts would each see that there is none.
    const settled = await tx.user.findFirst({ select: { id: true } })
    if (!settled) await tx.$executeRaw`SELECT pg_advisory_xact_lock(${FIRST_ACCOUNT_LOCK})`
    const isFirst = !settled && (await tx.user.findFirst({ select: { id: true } })) === null
    const user = await tx.user.create({ data: { ...account, role: isFirst ? 'ADMIN' : 'MEMBER' } })
    const inbox = await tx.project.create({
      data: {
        key: inboxKey,
        name: 'Inbox',
        updatedById: user.id,
        memberships: { create: { userId: user.id, role: 'OWNER', updatedById: user.id } },
      },
    })
    return tx.user.update({ where: { id: user.id }, data: { inboxId: inbox.id } })
  })
}

function emailTaken(): AppError {
  return taken(['input', 'email'], 'There is an account with this e-mail address.')
}

/** Opens a session for the right password. Whether the account is unknown, disabled or the password wrong looks the same. */
export async function signIn(ctx: Context, { email, password }: SignInValues): Promise<AuthAnswer> {
  const user = await ctx.db.user.findUnique({ where: { email } })
  const matches = await verifyPassword(password, user?.passwordHash)
  if (!user || !matches || user.disabledAt)
    throw new AppError('UNAUTHENTICATED', 'The e-mail address or the password is wrong.')
  return openSession(ctx, user)
}

async function openSession(ctx: Context, user: User): Promise<AuthAnswer> {
  const { tokens, config } = ctx.services
  const { token, hash } = newRefreshToken()
  const expiresAt = new Date(Date.now() + config.REFRESH_TOKEN_TTL * 1000)
  const session = await ctx.db.session.create({ data: { userId: user.id, refreshTokenHash: hash, expiresAt } })
  // From here on the operation speaks as the user it signed in: the answer shows them their own address.
  ctx.viewer = { id: user.id, role: user.role, sessionId: session.id, inboxId: user.inboxId }
  const accessToken = tokens.sign({ userId: user.id, sessionId: session.id })
  return { accessToken, refreshToken: token, expiresIn: tokens.lifetime, user }
}
