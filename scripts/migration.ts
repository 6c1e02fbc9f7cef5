/**
 * Authors a migration: `node scripts/migration.ts add_labels` writes the SQL that leads from the committed
 * prisma/schema.prisma to the one in the working directory. What Prisma cannot express (triggers, checks, partial and expression indexes)
 * is for a person to add; scripts/check-migrations.ts then wants it in its list.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { diffSql } from './schema-engine.ts'

const SCHEMA = 'prisma/schema.prisma'
const root = fileURLToPath(new URL('..', import.meta.url))

const name = process.argv[2]?.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
if (!name) {
  console.error('Give the migration a name: node scripts/migration.ts add_labels')
  process.exit(1)
}

const sql = await diffSql(committedSchema(), await readFile(`${root}${SCHEMA}`, 'utf8'))
const timestamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
const directory = `prisma/migrations/${timestamp}_${name}`
await mkdir(`${root}${directory}`, { recursive: true })
await writeFile(
  `${root}${directory}/migration.sql`,
  sql || '-- No difference between the schemas: write what this migration does.\n',
)
console.log(`Wrote ${directory}/migration.sql: look it through, then run node scripts/check-migrations.ts`)

/** Undefined before the first commit. */
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
