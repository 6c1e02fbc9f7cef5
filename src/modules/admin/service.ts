import { hashPassword } from '../../auth/passwords.ts'
import { actAs } from '../../database/actor.ts'
import { retryOnDeadlock } from '../../database/retry.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Prisma, User } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireAdmin } from '../../request/viewer.ts'
import { isUniqueViolation } from '../../schema/conflicts.ts'
import { isId } from '../../schema/rules.ts'
import { requireVersion, type Version } from '../../schema/versioned.ts'
import { revokeApiKeys } from '../api-keys/service.ts'
import { withFreeKey } from '../projects/key-service.ts'
import { endSessions } from '../sessions/service.ts'
import { addUser, emailTaken } from '../users/account-service.ts'
import { userNotFound } from '../users/policy.ts'
import type { CreateUserValues, UpdateUserValues } from './input.ts'

type UserQuery = Pick<Prisma.UserFindManyArgs, 'select' | 'include'>

/**
 * Creates an account with its Inbox, even when registration is closed. Opens no session.
 * Needs an ADMIN.
 */
export async function createUser(ctx: Context, input: CreateUserValues, query: UserQuery): Promise<User> {
  const viewer = requireAdmin(ctx)
  const { email, name, role, password } = input
  const account = { email, name, role: role ?? 'MEMBER', passwordHash: await hashPassword(password) } as const
  return withFreeKey(ctx.db, name, (key) =>
    ctx.db.$transaction((tx) => addUser(tx, account, key, query, viewer.id)),
  ).catch((error: unknown) => {
    throw isUniqueViolation(error, 'email') ? emailTaken() : error
  })
}

/**
 * Updates an account. Needs an ADMIN. Setting a password or disabling the account ends the user's
 * sessions. Setting a password also revokes their API keys, unless `revokeApiKeys` is false.
 */
export async function updateUser(
  ctx: Context,
  id: string,
  input: UpdateUserValues,
  version: Version,
  query: UserQuery,
) {
  requireAdmin(ctx)
  const { name, role, disabled, password, revokeApiKeys: revokes = password != null } = input
  const passwordHash = password == null ? undefined : await hashPassword(password)
  return changeAccount(ctx, id, version, async (tx, user) => {
    const issues = [...(role === 'MEMBER' ? ['role'] : []), ...(disabled ? ['disabled'] : [])]
    if (issues.length > 0) await requireOtherAdmin(tx, user, ...issues.map((field) => ['input', field]))
    // Disabling an account again keeps the original time.
    const disabledAt = disabled ? (user.disabledAt ?? new Date()) : null
    const changed = await tx.user.update({
      ...query,
      where: { id },
      data: {
        name: name ?? undefined,
        role: role ?? undefined,
        disabledAt: disabled == null ? undefined : disabledAt,
        passwordHash,
      },
    })
    // Ended sessions stay ended when the account is enabled again.
    if (passwordHash !== undefined || disabled) await endSessions({ db: tx }, id)
    if (revokes) await revokeApiKeys({ db: tx }, id)
    return changed
  })
}

/**
 * Deletes an account with its sessions, API keys and memberships. Projects and tasks stay. Needs an
 * ADMIN, who cannot delete their own account.
 */
export async function deleteUser(ctx: Context, id: string, version: Version, query: UserQuery) {
  const viewer = requireAdmin(ctx)
  return changeAccount(ctx, id, version, async (tx, user) => {
    if (user.id === viewer.id) {
      throw new AppError('CONFLICT', 'You cannot delete your own account. Ask another ADMIN to do it.', {
        path: ['id'],
      })
    }
    await requireOtherAdmin(tx, user, ['id'])
    // The memberships are removed too, each with an event.
    await actAs(tx, viewer)
    return tx.user.delete({ ...query, where: { id } })
  })
}

type Account = Pick<User, 'id' | 'role' | 'disabledAt' | 'version'>

/** Key of the advisory lock. All servers on one database must use the same number. */
const ACCOUNTS_LOCK = 4_861_003

/**
 * Runs a change to an account while holding its row. Account changes run one at a time: otherwise
 * two ADMINs who demote each other would lock different rows, and each would see the other as the
 * remaining ADMIN.
 */
async function changeAccount<T>(
  ctx: Context,
  id: string,
  version: Version,
  change: (tx: Prisma.TransactionClient, user: Account) => Promise<T>,
): Promise<T> {
  if (!isId(id)) throw userNotFound(id)
  const run = async (tx: Prisma.TransactionClient) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${ACCOUNTS_LOCK})`
    const [user] = await tx.$queryRaw<Account[]>`
      SELECT "id"::text, "role"::text, "disabledAt", "version" FROM "User" WHERE "id" = ${id}::uuid FOR UPDATE`
    if (!user) throw userNotFound(id)
    requireVersion('user', user, version)
    return change(tx, user)
  }
  // Deleting a user updates their tasks. A concurrent assignment may hold one of them.
  return retryOnDeadlock(ctx.db, () => ctx.db.$transaction(run))
}

/**
 * Throws CONFLICT, with an issue at each path, if the instance would lose its last enabled ADMIN.
 */
async function requireOtherAdmin(tx: Prisma.TransactionClient, user: Account, ...paths: string[][]): Promise<void> {
  if (user.role !== 'ADMIN' || user.disabledAt) return
  const other = { id: { not: user.id }, role: 'ADMIN', disabledAt: null } as const
  if (await tx.user.findFirst({ where: other, select: { id: true } })) return
  const message = 'This is the last enabled ADMIN. Make another user ADMIN first.'
  throw new AppError('CONFLICT', message, { issues: paths.map((path) => ({ path, code: 'last_admin', message })) })
}
