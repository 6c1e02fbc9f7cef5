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

/**
 * Inserts many rows in their order, as one value. `createMany` sends each column of each row as a
 * parameter, which takes twice the CPU. A column that only some rows have is null in the others.
 */
export async function insertRows(db: Database, table: Prisma.ModelName, rows: readonly object[]): Promise<void> {
  if (rows.length === 0) return
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].map((name) => `"${name}"`).join()
  const bytesInHex = (_: string, value: unknown) =>
    value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value
  await db.$executeRawUnsafe(
    `INSERT INTO "${table}" (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::"${table}", $1::jsonb)`,
    JSON.stringify(rows, bytesInHex),
  )
}
