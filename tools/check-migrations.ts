/**
 * Checks that the migrations give exactly the declared database: schema.prisma, prisma/functions,
 * constraints.sql, indexes.sql and the logged() declarations. Creates one database from each, in
 * memory, and compares their catalogues. Then checks that no migration breaks the release before it.
 * Exits with 1 and prints every difference.
 */
import { readFile } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import type { Catalogue } from './catalogue.ts'
import { declaredCatalogue, migratedCatalogue, migrationSteps } from './database-states.ts'
import { LOGGED_TRIGGERS, printLoggedTriggers } from './declared-objects.ts'
import { RULE_SINCE, releasesOf, rollingProblems } from './rolling-changes.ts'

const schema = await readFile(new URL('../prisma/schema.prisma', import.meta.url), 'utf8')
const db = await PGlite.create()
const problems = differences(await migratedCatalogue(db), await declaredCatalogue(db, schema))
const releases = releasesOf(await readFile(new URL('../CHANGELOG.md', import.meta.url), 'utf8'))
const breaking = (await migrationSteps(db, RULE_SINCE)).flatMap((step) => rollingProblems(step, releases))
await db.close()
if ((await readFile(LOGGED_TRIGGERS, 'utf8')) !== printLoggedTriggers()) {
  problems.push('prisma/functions/logged-triggers.sql differs from the logged() declarations')
}

for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error('\nTo fix it, run "npm run migration -- NAME": it writes a migration for the differences.')
}
for (const problem of breaking) console.error(problem)
if (breaking.length > 0) {
  console.error('\nTo fix it, read "Change the data model" in CONTRIBUTING.md: expand now, contract a release later.')
}
if (problems.length + breaking.length > 0) process.exit(1)
console.log('The migrations give the declared database.')

function differences(migrated: Catalogue, declared: Catalogue): string[] {
  const found: string[] = []
  for (const [object, definition] of declared) {
    const actual = migrated.get(object)
    if (actual === undefined) found.push(`not in the migrations: ${object} ${definition}`)
    else if (actual !== definition) {
      found.push(`different: ${object}\n  in the migrations: ${actual}\n  declared:          ${definition}`)
    }
  }
  for (const [object, definition] of migrated) {
    if (!declared.has(object)) found.push(`only in the migrations: ${object} ${definition}`)
  }
  return found
}
