import { createHash, randomBytes } from 'node:crypto'
import { constants, existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type DatabaseHandle, openDatabase } from '../../src/database/client.ts'
import { parseConnection } from '../../src/database/connection.ts'
import { MIGRATIONS, migrate } from '../../src/database/migrate.ts'

export interface TestDatabase {
  /** For openDatabase. */
  options: { url?: string; dataDir: string }
  drop(): Promise<void>
}

export const onPostgres = process.env.TASKWIRE_TEST_DATABASE === 'postgres'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/taskwire', import.meta.url))

/** What the templates hold depends on this alone. */
function fingerprint(): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(MIGRATIONS).sort()) {
    const file = join(MIGRATIONS, name, 'migration.sql')
    if (existsSync(file)) hash.update(name).update(readFileSync(file))
  }
  hash.update(readFileSync(new URL('../../node_modules/@electric-sql/pglite/package.json', import.meta.url)))
  return hash.digest('hex').slice(0, 12)
}

const embeddedTemplate = () => join(CACHE, `embedded-${fingerprint()}`)
/** Several checkouts may share one PostgreSQL: each has a template of its own. */
const postgresTemplates = `taskwire_template_${createHash('sha256').update(CACHE).digest('hex').slice(0, 8)}`
const postgresTemplate = () => `${postgresTemplates}_${fingerprint()}`

/** Makes what test databases are copied from, unless an earlier run did. Called once, before the workers start. */
export async function prepareTemplates(): Promise<void> {
  await prepareEmbeddedTemplate()
  if (process.env.TEST_DATABASE_URL) await preparePostgresTemplate()
}

// Two runs may prepare at once: each makes its own under another name, and the first to finish gives it the name.

async function prepareEmbeddedTemplate(): Promise<void> {
  const template = embeddedTemplate()
  if (existsSync(template)) return
  await mkdir(CACHE, { recursive: true })
  for (const old of readdirSync(CACHE)) {
    if (old.startsWith('embedded-')) await rm(join(CACHE, old), { recursive: true, force: true })
  }
  const unfinished = await mkdtemp(join(CACHE, 'unfinished-'))
  const handle = await openDatabase({ dataDir: unfinished })
  await handle.close()
  await rename(unfinished, template).catch((error) => {
    if (!existsSync(template)) throw error
    return rm(unfinished, { recursive: true })
  })
}

async function preparePostgresTemplate(): Promise<void> {
  const template = postgresTemplate()
  await administer(async (client) => {
    const find = async () => {
      const { rows } = await client.query<{ datname: string }>(
        `SELECT datname FROM pg_database WHERE starts_with(datname, '${postgresTemplates}_')`,
      )
      return rows.map((row) => row.datname)
    }
    const found = await find()
    if (found.includes(template)) return
    for (const old of found) await client.query(`DROP DATABASE IF EXISTS "${old}"`)
    const unfinished = `taskwire_unfinished_${randomBytes(4).toString('hex')}`
    await client.query(`CREATE DATABASE ${unfinished}`)
    await migrate(parseConnection(databaseUrl(unfinished)))
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${template}`).catch(async (error) => {
      await client.query(`DROP DATABASE ${unfinished}`)
      if (!(await find()).includes(template)) throw error
    })
  })
}

/** A migrated database of one's own, of the kind the vitest project runs on. */
export async function testDatabase(): Promise<TestDatabase> {
  if (!onPostgres) {
    const dataDir = await mkdtemp(join(tmpdir(), 'tw-test-'))
    await cp(embeddedTemplate(), dataDir, { recursive: true, mode: constants.COPYFILE_FICLONE })
    return { options: { dataDir }, drop: () => rm(dataDir, { recursive: true, force: true }) }
  }
  const name = `taskwire_test_${randomBytes(6).toString('hex')}`
  await administer((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${postgresTemplate()}`))
  return {
    options: { url: databaseUrl(name), dataDir: tmpdir() },
    drop: () => administer((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  }
}

/** A database of one's own, open; `close` closes and drops it. */
export async function openTestDatabase(): Promise<{
  handle: DatabaseHandle
  options: TestDatabase['options']
  close(): Promise<void>
}> {
  const { options, drop } = await testDatabase()
  const handle = await openDatabase({ ...options, poolSize: 20 })
  return {
    handle,
    options,
    async close() {
      await handle.close()
      await drop()
    },
  }
}

/** An empty PostgreSQL database, not migrated. */
export async function emptyPostgres(): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `taskwire_test_${randomBytes(6).toString('hex')}`
  await administer((client) => client.query(`CREATE DATABASE ${name}`))
  return {
    url: databaseUrl(name),
    drop: () => administer((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  }
}

function databaseUrl(name: string): string {
  const url = new URL(process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres')
  url.pathname = `/${name}`
  return url.href
}

async function administer(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: process.env.TEST_DATABASE_URL })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
