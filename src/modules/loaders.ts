import DataLoader from 'dataloader'
import type { Database } from '../database/client.ts'
import { loadUsers } from './users/loader.ts'

export type Loaders = ReturnType<typeof createLoaders>

/** Batches loads by id within one operation: what Prisma's own relations cannot reach. */
export function createLoaders(db: Database) {
  return {
    user: new DataLoader((ids: readonly string[]) => loadUsers(db, ids)),
  }
}
