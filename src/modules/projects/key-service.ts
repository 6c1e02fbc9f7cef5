import { randomInt } from 'node:crypto'
import type { Database } from '../../database/client.ts'
import { isUniqueViolation } from '../../schema/conflicts.ts'

/**
 * Derives an unused project key from a name: "Web shop" gives WEBSH, or WEBSH with a number if that
 * is taken.
 */
export async function findFreeKey(db: Pick<Database, 'project'>, name: string): Promise<string> {
  const letters = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]/g, '')
    .toUpperCase()
    .replace(/^[0-9]+/, '')
    .slice(0, 5)
  const base = letters.length >= 2 ? letters : 'PROJ'
  const candidates = [base, ...[100, 10_000, 100_000].map((limit) => `${base}${randomInt(2, limit)}`)]
  const uniqueConflict = await db.project.findMany({ where: { key: { in: candidates } }, select: { key: true } })
  return (
    candidates.find((key) => !uniqueConflict.some((other) => other.key === key)) ?? `${base}${randomInt(2, 100_000)}`
  )
}

/**
 * Runs `create` with an unused key. Retries with another key if a concurrent request took the same
 * one, so `create` must be a transaction.
 */
export async function withFreeKey<T>(db: Database, name: string, create: (key: string) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await create(await findFreeKey(db, name))
    } catch (error) {
      if (attempt >= 5 || !isUniqueViolation(error, 'key')) throw error
    }
  }
}
