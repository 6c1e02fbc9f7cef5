import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { MIGRATIONS } from '../src/database/migrate.ts'
import { type Catalogue, readCatalogue } from './catalogue.ts'
import { declaredObjects } from './declared-objects.ts'
import type { MigrationStep } from './rolling-changes.ts'
import { diffSql } from './schema-engine.ts'

/**
 * Empties the database, then reads the catalogue that the migrations make, followed by `pending`.
 */
export async function migratedCatalogue(db: PGlite, pending = ''): Promise<Catalogue> {
  await empty(db)
  for (const name of await migrationNames()) await db.exec(await sqlOf(name))
  await db.exec(pending)
  return readCatalogue(db)
}

/** Empties the database, then applies all migrations. Returns what each one after `since` changes. */
export async function migrationSteps(db: PGlite, since: string): Promise<MigrationStep[]> {
  await empty(db)
  const steps: MigrationStep[] = []
  let before: Catalogue = new Map()
  for (const name of await migrationNames()) {
    const sql = await sqlOf(name)
    await db.exec(sql)
    if (name < since) continue
    const after = await readCatalogue(db)
    if (name > since) steps.push({ name, sql, before, after })
    before = after
  }
  return steps
}

async function migrationNames(): Promise<string[]> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true })
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
}

const sqlOf = (name: string) => readFile(join(MIGRATIONS, name, 'migration.sql'), 'utf8')

/**
 * Empties the database, then reads the catalogue that schema.prisma and the files
 * beside it declare.
 */
export async function declaredCatalogue(db: PGlite, schema: string): Promise<Catalogue> {
  await empty(db)
  await db.exec(await diffSql(undefined, schema))
  for (const { sql } of await declaredObjects()) await db.exec(sql)
  return readCatalogue(db)
}

const empty = (db: PGlite) => db.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
