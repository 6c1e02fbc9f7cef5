/**
 * Writes a migration: `npm run migration -- add_labels` compares what the migrations give with what
 * is declared, and writes the SQL between them. Declared are schema.prisma (compared with the
 * committed one), prisma/functions, constraints.sql, indexes.sql and the logged() declarations.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { declaredCatalogue, migratedCatalogue } from './database-states.ts'
import { declaredObjects, LOGGED_TRIGGERS, printLoggedTriggers } from './declared-objects.ts'
import { objectChanges } from './object-changes.ts'
import { diffSql } from './schema-engine.ts'

const SCHEMA = 'prisma/schema.prisma'
const root = fileURLToPath(new URL('..', import.meta.url))

const name = process.argv[2]?.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
if (!name) {
  console.error('Name the migration: npm run migration -- add_labels')
  process.exit(1)
}

const schema = await readFile(`${root}${SCHEMA}`, 'utf8')
const tables = await diffSql(committedSchema(), schema)
await writeFile(LOGGED_TRIGGERS, printLoggedTriggers())
const db = await PGlite.create()
const migrated = await migratedCatalogue(db, tables)
const objects = objectChanges(migrated, await declaredCatalogue(db, schema), await declaredObjects())
await db.close()

const sql = [tables.trimEnd(), ...objects].filter(Boolean).join('\n\n')
const timestamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
const directory = `prisma/migrations/${timestamp}_${name}`
await mkdir(`${root}${directory}`, { recursive: true })
await writeFile(
  `${root}${directory}/migration.sql`,
  `${sql || '-- Nothing declared has changed. Write here what this migration does.'}\n`,
)
console.log(`Wrote ${directory}/migration.sql. Read it, then run "node tools/check-migrations.ts".`)

/** Returns undefined before the first commit. */
function committedSchema(): string | undefined {
  try {
    return execFileSync('git', ['show', `HEAD:${SCHEMA}`], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return undefined
  }
}
