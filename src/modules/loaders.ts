import DataLoader from 'dataloader'
import type { Viewer } from '../context.ts'
import type { Database } from '../database/client.ts'
import { loadRelations } from './task-relations/loader.ts'
import { loadSubtaskProgress, loadTasks, loadTasksOfEvents } from './tasks/loader.ts'
import { loadUsers } from './users/loader.ts'

export type Loaders = ReturnType<typeof createLoaders>

/**
 * Batches loads by id within one operation: what Prisma's own relations cannot reach. Nothing is remembered: of two mutations in one
 * operation the second would be answered with what was before it.
 */
export function createLoaders(db: Database, viewer: Viewer | null) {
  const batched = <Value, Key = string>(load: (keys: readonly Key[]) => Promise<Value[]>) =>
    new DataLoader((keys: readonly Key[]) => load(keys), { cache: false })
  return {
    user: batched((ids) => loadUsers(db, ids)),
    task: batched((ids) => loadTasks(db, viewer, ids)),
    taskOfEvent: batched((places: readonly { id: string; projectId: string }[]) => loadTasksOfEvents(db, places)),
    subtaskProgress: batched((ids) => loadSubtaskProgress(db, ids)),
    relations: batched((ids) => loadRelations(db, viewer, ids)),
  }
}
