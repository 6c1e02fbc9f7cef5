import { randomUUID } from 'node:crypto'
import type { Prisma } from '../../generated/prisma/client.ts'
import { unassignEverywhere } from '../tasks/assignee-service.ts'

/** Name of the row that remains of a deleted account. */
export const DELETED_USER = 'Deleted user'

/**
 * Deletes an account in the transaction of `changeAccount`: sessions, API keys, saved filters, memberships and all else
 * that belongs to it, and its personal data. Members see a removed member and tasks with one
 * assignee less. A row without an address remains, as the author of what others still see.
 */
export async function eraseAccount(tx: Prisma.TransactionClient, userId: string): Promise<void> {
  await unassignEverywhere(tx, userId)
  await tx.$executeRaw`SELECT delete_belongings(${userId}::uuid)`
  const now = new Date()
  await tx.user.update({
    where: { id: userId },
    data: {
      // Unique, and not to be guessed: nobody can register it beforehand.
      email: `deleted-${randomUUID()}@account.invalid`,
      name: DELETED_USER,
      passwordHash: null,
      role: 'MEMBER',
      inboxId: null,
      disabledAt: now,
      deletedAt: now,
    },
  })
}
