import DataLoader from 'dataloader'
import type { Viewer } from '../context.ts'
import type { Database } from '../database/client.ts'
import { loadRelations } from './task-relations/loader.ts'
import { loadSubtaskProgress, loadTasks } from './tasks/loader.ts'
import { loadUsers } from './users/loader.ts'

export type Loaders = ReturnType<typeof createLoaders>

/** Batches loads by id within one operation: what Prisma's own relations cannot reach. */
export function createLoaders(db: Database, viewer: Viewer | null) {
  return {
    user: new DataLoader((ids: readonly string[]) => loadUsers(db, ids)),
    task: new DataLoader((ids: readonly string[]) => loadTasks(db, viewer, ids)),
    subtaskProgress: new DataLoader((ids: readonly string[]) => loadSubtaskProgress(db, ids)),
    relations: new DataLoader((ids: readonly string[]) => loadRelations(db, viewer, ids)),
  }
}
