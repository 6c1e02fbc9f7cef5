/**
 * Proves that the migrations give exactly prisma/schema.prisma: makes one database by each, in memory, and compares
 * their catalogues. Exit 1, with every difference and what mends it.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { MIGRATIONS } from '../src/database/migrate.ts'
import { BEYOND_PRISMA } from './beyond-prisma.ts'
import { type Catalogue, readCatalogue } from './catalogue.ts'
import { diffSql } from './schema-engine.ts'

const schema = await readFile(new URL('../prisma/schema.prisma', import.meta.url), 'utf8')
const db = await PGlite.create()

const entries = await readdir(MIGRATIONS, { withFileTypes: true })
const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
for (const name of names.sort()) await db.exec(await readFile(join(MIGRATIONS, name, 'migration.sql'), 'utf8'))
const migrated = await readCatalogue(db)

// The second takes the place of the first: another PGlite would cost as much again.
await db.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
await db.exec(await diffSql(undefined, schema))
const declared = await readCatalogue(db)
await db.close()

const problems = differences(migrated, declared, new Set(BEYOND_PRISMA))
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error(
    '\nMend it: "node scripts/migration.ts NAME" writes a migration for a changed schema.prisma; what schema.prisma cannot say ' +
      'belongs, once a migration makes it, into scripts/beyond-prisma.ts.',
  )
  process.exit(1)
}
console.log(`The migrations give schema.prisma, and the ${BEYOND_PRISMA.length} objects beyond it.`)

function differences(made: Catalogue, wanted: Catalogue, beyond: Set<string>): string[] {
  const found: string[] = []
  for (const [object, definition] of wanted) {
    const actual = made.get(object)
    if (actual === undefined) found.push(`missing from the migrations: ${object} ${definition}`)
    else if (actual !== definition)
      found.push(`different: ${object}\n  by the migrations: ${actual}\n  by schema.prisma:  ${definition}`)
  }
  for (const [object, definition] of made) {
    if (!wanted.has(object) && !beyond.has(object)) found.push(`made by the migrations only: ${object} ${definition}`)
  }
  for (const object of beyond) {
    if (!made.has(object)) found.push(`listed in scripts/beyond-prisma.ts, but not made by the migrations: ${object}`)
  }
  return found
}
