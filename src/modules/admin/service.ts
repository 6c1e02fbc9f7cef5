import { hashPassword } from '../../auth/passwords.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Prisma, User } from '../../generated/prisma/client.ts'
import { asViewer } from '../../request/as-viewer.ts'
import type { Context } from '../../request/context.ts'
import { requireAdmin } from '../../request/viewer.ts'
import { isUniqueViolation } from '../../schema/conflicts.ts'
import type { Version } from '../../schema/versioned.ts'
import { revokeApiKeys } from '../api-keys/service.ts'
import { withFreeKey } from '../projects/key-service.ts'
import { endSessions } from '../sessions/service.ts'
import { addUser, changeAccount, emailTaken, requireOtherAdmin } from '../users/account-service.ts'
import { eraseAccount } from '../users/erasure-service.ts'
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
  return withFreeKey(ctx.db, name, (key) => asViewer(ctx, (tx) => addUser(tx, account, key, query, viewer.id))).catch(
    (error: unknown) => {
      throw isUniqueViolation(error, 'email') ? emailTaken() : error
    },
  )
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
 * Deletes an account, with everything of it that others do not see, and returns it as it was.
 * Projects stay. Needs an ADMIN, who cannot delete their own account like this.
 */
export async function deleteUser(ctx: Context, id: string, version: Version, query: UserQuery) {
  const viewer = requireAdmin(ctx)
  return changeAccount(ctx, id, version, async (tx, user) => {
    if (user.id === viewer.id) {
      throw new AppError('CONFLICT', 'This is your own account. Use deleteMyAccount (DELETE /me).', { path: ['id'] })
    }
    await requireOtherAdmin(tx, user, ['id'])
    const deleted = await tx.user.findUnique({ ...query, where: { id } })
    if (!deleted) throw userNotFound(id)
    await eraseAccount(tx, id)
    return deleted
  })
}
