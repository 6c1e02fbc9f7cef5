import { globSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import '../../src/app/schema.ts'
import type { Prisma } from '../../src/generated/prisma/client.ts'
import { loggedNouns } from '../../src/schema/logged.ts'
import { type Catalogue, readCatalogue } from '../../tools/catalogue.ts'
import { declaredObjects, LOGGED_TRIGGERS, printLoggedTriggers } from '../../tools/declared-objects.ts'
import { openTestDatabase } from '../support/database.ts'

const FIX = 'Run "npm run migration -- NAME" to write a migration for the difference.'

/** Definitions of functions, triggers and checks, and of the indexes in prisma/indexes.sql. */
async function readDeclaredKinds(tx: Prisma.TransactionClient, indexes: readonly string[]): Promise<Catalogue> {
  const catalogue = await readCatalogue({ query: async (sql) => ({ rows: await tx.$queryRawUnsafe(sql) }) })
  return new Map(
    [...catalogue].filter(([object]) => /^(function|trigger|check) /.test(object) || indexes.includes(object)),
  )
}

async function dropAll(tx: Prisma.TransactionClient, indexes: readonly string[]): Promise<void> {
  const drops = await tx.$queryRaw<{ sql: string }[]>`
    SELECT format('DROP FUNCTION %s CASCADE', oid::regprocedure) AS sql FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND contype = 'c'`
  for (const { sql } of drops) await tx.$executeRawUnsafe(sql)
  for (const index of indexes) await tx.$executeRawUnsafe(`DROP INDEX IF EXISTS "${index.replace('index ', '')}"`)
}

test('the migrated database has exactly the declared functions, triggers, checks and indexes', async () => {
  const objects = await declaredObjects()
  const indexes = objects.map(({ name }) => name).filter((name) => name.startsWith('index '))
  const { handle, close } = await openTestDatabase()
  try {
    const rolledBack = handle.db.$transaction(async (tx) => {
      const migrated = await readDeclaredKinds(tx, indexes)
      await dropAll(tx, indexes)
      for (const { sql } of objects) await tx.$executeRawUnsafe(sql)
      const declared = await readDeclaredKinds(tx, indexes)
      expect(Object.fromEntries(migrated), FIX).toEqual(Object.fromEntries(declared))
      expect(migrated.size).toBe(objects.length)
      throw new Error('roll back')
    })
    await expect(rolledBack).rejects.toThrow('roll back')
  } finally {
    await close()
  }
})

test('logged-triggers.sql shows the triggers of the logged() declarations', async () => {
  expect(await readFile(LOGGED_TRIGGERS, 'utf8'), FIX).toBe(printLoggedTriggers())
})

test('every event type that the code names is declared', () => {
  const nouns = loggedNouns()
  // The actions of the audit log look like event types.
  const literal = new RegExp(`(?<!action: )'((?:${nouns.map(({ noun }) => noun).join('|')})\\.[a-z]+)'`, 'g')
  const files = globSync('src/**/*.ts', { exclude: ['src/modules/audit/**'] })
  const named = files.flatMap((path) => [...readFileSync(path, 'utf8').matchAll(literal)].map((match) => match[1]))
  expect(named.length).toBeGreaterThan(10)
  const declared = nouns.flatMap(({ types }) => types)
  expect(named.filter((type) => !declared.includes(String(type)))).toEqual([])
})
