import { actorSql } from '../../database/actor.ts'
import { retryOnDeadlock } from '../../database/retry.ts'
import { AppError } from '../../gateway/errors.ts'
import type { Prisma, User } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { uniqueConflict } from '../../schema/conflicts.ts'
import { isId } from '../../schema/rules.ts'
import { requireVersion, type Version } from '../../schema/versioned.ts'
import { userNotFound } from './policy.ts'

export type NewAccount = Pick<User, 'email' | 'name' | 'passwordHash' | 'role'> & Partial<Pick<User, 'timeZone'>>

/**
 * Adds a user and their Inbox. Must run in a transaction. `adminId` is the ADMIN who creates the
 * account, if there is one: the actor of the Inbox's events.
 */
export async function addUser(
  tx: Prisma.TransactionClient,
  account: NewAccount,
  inboxKey: string,
  query: Pick<Prisma.UserFindFirstArgs, 'select' | 'include'> = {},
  adminId?: string,
): Promise<User> {
  const user = await tx.user.create({ data: account })
  const updatedById = adminId ?? user.id
  const inbox = await tx.project.create({
    data: {
      key: inboxKey,
      name: 'Inbox',
      updatedById,
      memberships: { create: { userId: user.id, role: 'OWNER', updatedById } },
    },
  })
  return tx.user.update({ ...query, where: { id: user.id }, data: { inboxId: inbox.id } })
}

export function emailTaken(): AppError {
  return uniqueConflict(['input', 'email'], 'An account with this e-mail address already exists.')
}

export type Account = Pick<User, 'id' | 'role' | 'disabledAt' | 'version'>

/** Key of the advisory lock. All servers on one database must use the same number. */
const ACCOUNTS_LOCK = 4_861_003

/**
 * Runs a change to an account while holding its row, and logs the viewer with it. Account changes run one at a time: otherwise
 * two ADMINs who demote each other would lock different rows, and each would see the other as the
 * remaining ADMIN.
 */
export async function changeAccount<T>(
  ctx: Context,
  id: string,
  version: Version,
  change: (tx: Prisma.TransactionClient, user: Account) => Promise<T>,
): Promise<T> {
  if (!isId(id)) throw userNotFound(id)
  const run = async (tx: Prisma.TransactionClient) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${ACCOUNTS_LOCK}), ${actorSql(ctx.viewer, ctx.requestId)}`
    const [user] = await tx.$queryRaw<Account[]>`
      SELECT "id"::text, "role"::text, "disabledAt", "version" FROM "User"
      WHERE "id" = ${id}::uuid AND "deletedAt" IS NULL FOR UPDATE`
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
export async function requireOtherAdmin(
  tx: Prisma.TransactionClient,
  user: Account,
  ...paths: string[][]
): Promise<void> {
  if (user.role !== 'ADMIN' || user.disabledAt) return
  const other = { id: { not: user.id }, role: 'ADMIN', disabledAt: null } as const
  if (await tx.user.findFirst({ where: other, select: { id: true } })) return
  const message = 'This is the last enabled ADMIN. Make another user ADMIN first.'
  throw new AppError('CONFLICT', message, { issues: paths.map((path) => ({ path, code: 'last_admin', message })) })
}
