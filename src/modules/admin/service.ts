import { hashPassword } from '../../auth/passwords.ts'
import type { Context } from '../../context.ts'
import { againOnDeadlock } from '../../database/retry.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Prisma, User } from '../../generated/prisma/client.ts'
import { isId } from '../../rules.ts'
import { isTaken, versionDiffers } from '../conflicts.ts'
import { withFreeKey } from '../projects/keys.ts'
import { endSessions } from '../sessions/service.ts'
import { addUser, emailTaken } from '../users/accounts.ts'
import { requireAdmin, userNotFound } from '../users/policy.ts'
import type { CreateUserValues, UpdateUserValues } from './input.ts'

type UserQuery = Pick<Prisma.UserFindManyArgs, 'select' | 'include'>
type Version = number | null | undefined

/** Needs an ADMIN. Makes an account with its Inbox, also where registration is closed; opens no session. */
export async function createUser(ctx: Context, input: CreateUserValues, query: UserQuery): Promise<User> {
  const viewer = requireAdmin(ctx)
  const { email, name, role, password } = input
  const account = { email, name, role: role ?? 'MEMBER', passwordHash: await hashPassword(password) } as const
  return withFreeKey(ctx.db, name, (key) =>
    ctx.db.$transaction((tx) => addUser(tx, account, key, query, viewer.id)),
  ).catch((error: unknown) => {
    throw isTaken(error, 'email') ? emailTaken() : error
  })
}

/** Needs an ADMIN. Absent fields stay. A new password and disabling end the user's sessions. */
export async function updateUser(
  ctx: Context,
  id: string,
  input: UpdateUserValues,
  version: Version,
  query: UserQuery,
) {
  requireAdmin(ctx)
  const { name, role, disabled, password } = input
  const passwordHash = password == null ? undefined : await hashPassword(password)
  return changeAccount(ctx, id, version, async (tx, user) => {
    const issues = [...(role === 'MEMBER' ? ['role'] : []), ...(disabled ? ['disabled'] : [])]
    if (issues.length > 0) await keepAnAdmin(tx, user, ...issues.map((field) => ['input', field]))
    // The time a disabled account was disabled at first stays.
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
    // An account that is enabled again starts with new sessions.
    if (passwordHash !== undefined || disabled) await endSessions({ db: tx }, id)
    return changed
  })
}

/** Needs an ADMIN, and not the user's own account. Sessions, keys and memberships go with it; projects and tasks stay. */
export async function deleteUser(ctx: Context, id: string, version: Version, query: UserQuery) {
  const viewer = requireAdmin(ctx)
  return changeAccount(ctx, id, version, async (tx, user) => {
    if (user.id === viewer.id) {
      throw new AppError('CONFLICT', 'You cannot delete your own account: another ADMIN can.', { path: ['id'] })
    }
    await keepAnAdmin(tx, user, ['id'])
    // The memberships' removal is logged: a deleted row does not say who deleted it.
    await tx.$executeRaw`SELECT set_config('taskwire.actor', ${viewer.id}, true)`
    return tx.user.delete({ ...query, where: { id } })
  })
}

type Account = Pick<User, 'id' | 'role' | 'disabledAt' | 'version'>

/** Any number: all servers of one database have to agree on it. */
const ACCOUNTS_LOCK = 4_861_003

/**
 * Runs a change of an account whose row is held. Changes of accounts take turns: two ADMINs who demote each other would
 * hold different rows, and each would see the other as the one who remains.
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
    if (version != null && user.version !== version) throw versionDiffers('user', user.version, version)
    return change(tx, user)
  }
  // Whoever is assigned a task meanwhile holds that task, which forgets a deleted user.
  return againOnDeadlock(ctx.db, () => ctx.db.$transaction(run))
}

/** CONFLICT at these arguments if the instance would be left without an enabled ADMIN, whom nobody could replace. */
async function keepAnAdmin(tx: Prisma.TransactionClient, user: Account, ...paths: string[][]): Promise<void> {
  if (user.role !== 'ADMIN' || user.disabledAt) return
  const other = { id: { not: user.id }, role: 'ADMIN', disabledAt: null } as const
  if (await tx.user.findFirst({ where: other, select: { id: true } })) return
  const message = 'This is the last ADMIN: make another one first.'
  throw new AppError('CONFLICT', message, { issues: paths.map((path) => ({ path, code: 'last_admin', message })) })
}
