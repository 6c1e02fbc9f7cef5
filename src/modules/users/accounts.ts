import type { AppError } from '../../gateway/errors.ts'
import type { Prisma, User } from '../../generated/prisma/client.ts'
import { taken } from '../conflicts.ts'

export type NewAccount = Pick<User, 'email' | 'name' | 'passwordHash' | 'role'>

/** Adds a user and the Inbox that every user owns. Within the transaction that makes the account. */
export async function addUser(tx: Prisma.TransactionClient, account: NewAccount, inboxKey: string): Promise<User> {
  const user = await tx.user.create({ data: account })
  const inbox = await tx.project.create({
    data: {
      key: inboxKey,
      name: 'Inbox',
      updatedById: user.id,
      memberships: { create: { userId: user.id, role: 'OWNER', updatedById: user.id } },
    },
  })
  return tx.user.update({ where: { id: user.id }, data: { inboxId: inbox.id } })
}

export function emailTaken(): AppError {
  return taken(['input', 'email'], 'There is an account with this e-mail address.')
}
