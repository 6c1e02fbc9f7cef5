import type { User } from '../../generated/prisma/client.ts'
import { defineRowLoader } from '../../schema/row-loader.ts'

/** Loads a user by id; null for a deleted one. */
export const loadUser = defineRowLoader<string, User>(async ({ db }, ids, query) => {
  const users = await db.user.findMany({ ...query, where: { id: { in: [...new Set(ids)] } } })
  const byId = new Map(users.map((user) => [user.id, user]))
  return ids.map((id) => byId.get(id))
})
