import { randomBytes } from 'node:crypto'
import { CACHE_FOLDER } from '../../src/app/cache-folder.ts'
import { prepareTemplates, removeDatabases } from './database.ts'

/** Runs once before the workers start. The workers inherit its environment. */
export async function setup(): Promise<void> {
  process.env.TASKWIRE_TEST_RUN ??= randomBytes(4).toString('hex')
  // Each embedded database and each child process loads TypeScript in a thread of its own.
  process.env.NODE_COMPILE_CACHE ??= CACHE_FOLDER
  await prepareTemplates()
}

export const teardown = removeDatabases
