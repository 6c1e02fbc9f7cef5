import { readdirSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConnectionSettings, parseConnection } from '../../src/database/connection.ts'
import { startEmbedded } from '../../src/database/embedded.ts'
import { MIGRATIONS, migrate } from '../../src/database/migrate.ts'
import { emptyPostgres, onPostgres } from '../support/database.ts'

let connection: ConnectionSettings
let directory: string
const cleanUps: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tw-migrations-'))
  cleanUps.push(() => rm(directory, { recursive: true }))
  await cp(MIGRATIONS, directory, { recursive: true })
  if (onPostgres) {
    const { url, drop } = await emptyPostgres()
    cleanUps.push(drop)
    connection = parseConnection(url)
  } else {
    const embedded = await startEmbedded('memory://')
    cleanUps.push(() => embedded.close())
    connection = embedded.connection
  }
})
afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp()
})

async function query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const client = new pg.Client(connection.config)
  await client.connect()
  const { rows } = await client.query<Row>(sql).finally(() => client.end())
  return rows
}

async function addMigration(name: string, sql: string): Promise<string> {
  await mkdir(join(directory, name), { recursive: true })
  const file = join(directory, name, 'migration.sql')
  await writeFile(file, sql)
  return file
}

/** Names of the project's migrations, in order. */
const NAMES = readdirSync(MIGRATIONS)
  .filter((name) => /^\d+_/.test(name))
  .sort()

// In order: each test continues with the database that the previous one left.
describe('migrate', () => {
  test('applies each migration once when servers start together', async () => {
    const applied = await Promise.all([
      migrate(connection, { directory }),
      migrate(connection, { directory }),
      migrate(connection, { directory }),
    ])
    expect(applied.flat().toSorted()).toEqual(NAMES)
  })

  test('records what Prisma records', async () => {
    const [row] = await query('SELECT * FROM _prisma_migrations')
    expect(row).toMatchObject({
      migration_name: '20261121000000_init',
      applied_steps_count: 1,
      rolled_back_at: null,
      logs: 'expand',
    })
    expect(row?.checksum).toMatch(/^[0-9a-f]{64}$/)
    expect(row?.finished_at).toBeInstanceOf(Date)
  })

  test('applies only what is new', async () => {
    expect(await migrate(connection, { directory })).toEqual([])
    await addMigration('20270101000000_more', 'CREATE TABLE "More" (a int); INSERT INTO "More" VALUES (1);')
    expect(await migrate(connection, { directory })).toEqual(['20270101000000_more'])
    expect(await query('SELECT a FROM "More"')).toEqual([{ a: 1 }])
  })

  test('rolls back a migration that fails', async () => {
    const file = await addMigration('20270102000000_broken', 'CREATE TABLE "Half" (a int); SELECT 1 / 0;')
    await expect(migrate(connection, { directory })).rejects.toThrow(
      '20270102000000_broken failed and was undone: division by zero',
    )
    expect(
      await query(`SELECT to_regclass('"Half"') AS half, count(*)::int AS recorded FROM _prisma_migrations`),
    ).toEqual([{ half: null, recorded: NAMES.length + 1 }])
    await rm(join(file, '..'), { recursive: true })
  })

  test('rejects a migration that was edited after it was applied', async () => {
    await addMigration('20270101000000_more', 'CREATE TABLE "More" (b int);')
    await expect(migrate(connection, { directory })).rejects.toThrow(
      '20270101000000_more was edited after this database applied it',
    )
  })

  test('accepts a database of a newer release that only added to it', async () => {
    await rm(join(directory, '20270101000000_more'), { recursive: true })
    expect(await migrate(connection, { directory })).toEqual([])
  })

  test('rejects a database from which a newer release removed something', async () => {
    await query(`UPDATE _prisma_migrations SET logs = NULL WHERE migration_name = '20270101000000_more'`)
    await expect(migrate(connection, { directory })).rejects.toThrow(
      '20270101000000_more, which this version of Taskwire does not know',
    )
  })

  test('rejects a database in which a migration failed half-way', async () => {
    await query(
      `DELETE FROM _prisma_migrations WHERE migration_name <> '20261121000000_init'; UPDATE _prisma_migrations SET finished_at = NULL`,
    )
    await expect(migrate(connection, { directory })).rejects.toThrow('20261121000000_init failed half-way')
  })

  test.runIf(onPostgres)('uses the schema that the URL names', async () => {
    const { directUrl, drop } = await emptyPostgres()
    cleanUps.push(drop)
    const { openDatabase } = await import('../../src/database/client.ts')
    const handle = await openDatabase({ url: `${directUrl}?schema=other%20place`, dataDir: '' })
    await handle.db.project.create({ data: { key: 'ELSEWHERE', name: 'x' } })
    const rows = await handle.db.$queryRaw`SELECT count(*)::int AS count FROM "other place"."Event"`
    expect(rows).toEqual([{ count: 1 }])
    await handle.close()
  })
})
