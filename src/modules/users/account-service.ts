import type { AppError } from '../../gateway/errors.ts'
import type { Prisma, User } from '../../generated/prisma/client.ts'
import { uniqueConflict } from '../../schema/conflicts.ts'

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
