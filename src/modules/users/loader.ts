import type { Database } from '../../database/client.ts'
import { padToPowerOfTwo } from '../../database/statement-names.ts'
import type { User } from '../../generated/prisma/client.ts'

/** Users in the order of their ids; null for one that is gone. */
export async function loadUsers(db: Database, ids: readonly string[]): Promise<(User | null)[]> {
  const users = await db.user.findMany({ where: { id: { in: padToPowerOfTwo([...new Set(ids)]) } } })
  const byId = new Map(users.map((user) => [user.id, user]))
  return ids.map((id) => byId.get(id) ?? null)
}
