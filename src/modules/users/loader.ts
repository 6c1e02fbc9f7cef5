import type { User } from '../../generated/prisma/client.ts'
import { defineLoader } from '../../request/loader.ts'

/** Loads a user by id; null for a deleted one. */
export const loadUser = defineLoader(async ({ db }, ids: readonly string[]): Promise<(User | null)[]> => {
  const users = await db.user.findMany({ where: { id: { in: [...new Set(ids)] } } })
  const byId = new Map(users.map((user) => [user.id, user]))
  return ids.map((id) => byId.get(id) ?? null)
})
