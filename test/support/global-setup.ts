import { randomBytes } from 'node:crypto'
import { prepareTemplates, removeDatabases } from './database.ts'

/** Runs once before the workers start. The workers inherit its environment. */
export async function setup(): Promise<void> {
  process.env.TASKWIRE_TEST_RUN ??= randomBytes(4).toString('hex')
  await prepareTemplates()
}

export const teardown = removeDatabases
