import type { Database } from '../database/client.ts'
import { isMissingRow } from '../database/errors.ts'
import type { AppError } from '../gateway/errors.ts'
import { versionConflict } from './conflicts.ts'

/** The version a change is based on. Without one, the change applies to any version. */
export type Version = number | null | undefined

export interface ExpectedRow {
  /** Names the row in messages, like "label". */
  noun: string
  id: string
  version: Version
  /** Reads the row after a write found none at the expected version. */
  present: () => Promise<{ version: number } | null>
  absent: () => AppError
}

/**
 * Updates or deletes a row at its expected version. `write` must use the `where` it gets: then
 * only the first of two changes to one version succeeds. Throws PRECONDITION_FAILED if the row
 * has another version, and the error of `absent` if it is gone.
 */
export async function updateVersioned<T>(
  expected: ExpectedRow,
  write: (where: { id: string; version?: number }) => Promise<T>,
): Promise<T> {
  const { id, version } = expected
  try {
    return await write({ id, ...(version != null && { version }) })
  } catch (error) {
    throw isMissingRow(error) ? await absentOrChanged(expected) : error
  }
}

/** The one use of a model here. Prisma's delegates have no common type for it. */
interface VersionedTable {
  findUnique(args: { where: { id: string }; select: { version: true } }): PromiseLike<{ version: number } | null>
}

/**
 * Declares how rows of a noun are described when a change expects a version of them.
 */
export function expectsRow(
  noun: string,
  tableOf: (db: Database) => VersionedTable,
  absent: (id: string) => AppError,
): (ctx: { db: Database }, id: string, version: Version) => ExpectedRow {
  return ({ db }, id, version) => ({
    noun,
    id,
    version,
    present: async () => tableOf(db).findUnique({ where: { id }, select: { version: true } }),
    absent: () => absent(id),
  })
}

/** Explains why a write found no row at the expected version. */
export async function absentOrChanged({ noun, version, present, absent }: ExpectedRow): Promise<AppError> {
  const row = await present()
  return row && version != null ? versionConflict(noun, row.version, version) : absent()
}

/** Throws PRECONDITION_FAILED if a locked row has another version than expected. */
export function requireVersion(noun: string, row: { version: number }, expected: Version): void {
  if (expected != null && row.version !== expected) throw versionConflict(noun, row.version, expected)
}
