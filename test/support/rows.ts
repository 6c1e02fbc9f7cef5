import { randomBytes } from 'node:crypto'
import type { Database } from '../../src/database/client.ts'
import type { Prisma } from '../../src/generated/prisma/client.ts'

/** Inserts rows directly, for tests below the API. */

const unique = () => randomBytes(5).toString('hex')

export const makeUser = (db: Database) =>
  db.user.create({ data: { email: `${unique()}@example.com`, name: 'Somebody', passwordHash: 'none' } })

export const makeProject = (db: Database, data: Partial<Prisma.ProjectUncheckedCreateInput> = {}) =>
  db.project.create({ data: { key: `P${unique().slice(0, 8).toUpperCase()}`, name: 'Something', ...data } })

export const makeTask = (db: Database, projectId: string, data: Partial<Prisma.TaskUncheckedCreateInput> = {}) =>
  db.task.create({ data: { projectId, title: 'To do', ...data } })
