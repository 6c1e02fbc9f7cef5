import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { MIGRATIONS } from '../src/database/migrate.ts'
import { type Catalogue, readCatalogue } from './catalogue.ts'
import { declaredObjects } from './declared-objects.ts'
import { diffSql } from './schema-engine.ts'

/**
 * Empties the database, then reads the catalogue that the migrations make, followed by `pending`.
 */
export async function migratedCatalogue(db: PGlite, pending = ''): Promise<Catalogue> {
  await empty(db)
  const entries = await readdir(MIGRATIONS, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  for (const name of names.sort()) await db.exec(await readFile(join(MIGRATIONS, name, 'migration.sql'), 'utf8'))
  await db.exec(pending)
  return readCatalogue(db)
}

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
