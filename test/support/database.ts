import { createHash, randomBytes } from 'node:crypto'
import { constants, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { onStatement } from '../../src/app/open-database.ts'
import { type DatabaseHandle, openDatabase } from '../../src/database/client.ts'
import { parseConnection } from '../../src/database/connection.ts'
import { type DatabaseLimits, DEFAULT_LIMITS } from '../../src/database/limits.ts'
import { MIGRATIONS, migrate } from '../../src/database/migrate.ts'

export interface TestDatabase {
  /** Options for openDatabase. */
  options: { url?: string; directUrl?: string; dataDir: string }
  drop(): Promise<void>
}

/**
 * In memory if there is plenty: copying a template's thousand files to a disk can take a second.
 */
const scratchFolder = freeBytes('/dev/shm') > 4 * 2 ** 30 ? '/dev/shm' : tmpdir()

function freeBytes(folder: string): number {
  if (!existsSync(folder)) return 0
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

export const onPostgres = process.env.TASKWIRE_TEST_DATABASE === 'postgres'

/** Identifies everything a run creates, for `removeDatabases`. Set by the global setup. */
const run = () => process.env.TASKWIRE_TEST_RUN ?? 'by_hand'
const embeddedFolder = () => join(scratchFolder, `tw-test-${run()}`)
const postgresPrefix = () => `taskwire_test_${run()}_`

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/taskwire', import.meta.url))

/** Hashes everything that determines the contents of the templates. */
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
/** Names templates per checkout, because several checkouts may share one PostgreSQL. */
const postgresTemplates = `taskwire_template_${createHash('sha256').update(CACHE).digest('hex').slice(0, 8)}`
const postgresTemplate = () => `${postgresTemplates}_${fingerprint()}`

/** Creates the templates of test databases if missing. Runs once, before the workers start. */
export async function prepareTemplates(): Promise<void> {
  await prepareEmbeddedTemplate()
  if (process.env.TEST_DATABASE_URL) await preparePostgresTemplate()
}

// Runs may prepare concurrently: each builds under a temporary name, and the first rename wins.

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
    await migrate(parseConnection(directUrl(unfinished)))
    await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${template}`).catch(async (error) => {
      await client.query(`DROP DATABASE ${unfinished}`)
      if (!(await find()).includes(template)) throw error
    })
  })
}

/** Removes databases that this run left behind, of shared servers and of killed tests. */
export async function removeDatabases(): Promise<void> {
  await rm(embeddedFolder(), { recursive: true, force: true })
  if (!process.env.TEST_DATABASE_URL) return
  await administer(async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `SELECT datname FROM pg_database WHERE starts_with(datname, '${postgresPrefix()}')`,
    )
    for (const { datname } of rows) await client.query(`DROP DATABASE IF EXISTS "${datname}" WITH (FORCE)`)
  })
}

/** Creates a fresh, migrated database of the project's kind without opening it. */
export async function testDatabase(): Promise<TestDatabase> {
  if (!onPostgres) return embeddedDatabase()
  const name = `${postgresPrefix()}${randomBytes(6).toString('hex')}`
  const dataDir = join(embeddedFolder(), name)
  await administer((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${postgresTemplate()}`))
  return {
    options: { url: databaseUrl(name), ...(isPooled && { directUrl: directUrl(name) }), dataDir },
    async drop() {
      await administer((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Creates a fresh, migrated embedded database without opening it, also outside a run of Vitest. */
export async function embeddedDatabase(): Promise<TestDatabase> {
  await prepareEmbeddedTemplate()
  mkdirSync(embeddedFolder(), { recursive: true })
  const dataDir = mkdtempSync(join(embeddedFolder(), 'data-'))
  // The asynchronous `cp` takes ten times as long for the thousand files.
  cpSync(embeddedTemplate(), dataDir, { recursive: true, mode: constants.COPYFILE_FICLONE })
  return { options: { dataDir }, drop: () => rm(dataDir, { recursive: true, force: true }) }
}

/** Returns the settings of a server that opens the database itself. */
export const urlSettings = ({ url, directUrl }: TestDatabase['options']) => ({
  ...(url && { DATABASE_URL: url }),
  ...(directUrl && { DATABASE_DIRECT_URL: directUrl }),
})

export interface OpenTestDatabase {
  handle: DatabaseHandle
  options: TestDatabase['options']
  close(): Promise<void>
}

/** On a busy machine, tests of concurrent requests wait longer than a client should. */
const PATIENT = { ...DEFAULT_LIMITS, lockMs: 30_000, queueMs: 30_000 }

/** Opens a fresh, migrated database. `close` closes and drops it. */
export async function openTestDatabase({
  poolSize = 20,
  limits = {},
}: {
  poolSize?: number
  limits?: Partial<DatabaseLimits>
} = {}): Promise<OpenTestDatabase> {
  const { options, drop } = await testDatabase()
  const handle = await openDatabase({ ...options, poolSize, limits: { ...PATIENT, ...limits }, onStatement })
  return {
    handle,
    options,
    async close() {
      await handle.close()
      await drop()
    },
  }
}

/** Creates an empty PostgreSQL database without migrations. `options` are those of CREATE DATABASE. */
export async function emptyPostgres(options = ''): Promise<{ url: string; directUrl: string; drop(): Promise<void> }> {
  const name = `${postgresPrefix()}${randomBytes(6).toString('hex')}`
  await administer((client) => client.query(`CREATE DATABASE ${name} ${options}`))
  return {
    url: databaseUrl(name),
    directUrl: directUrl(name),
    drop: () => administer((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  }
}

/** True if TEST_DATABASE_URL leads to a pooler. TEST_DATABASE_DIRECT_URL reaches the same databases without. */
export const isPooled = process.env.TEST_DATABASE_DIRECT_URL !== undefined

const DEFAULT_URL = 'postgres://postgres@127.0.0.1:5432/postgres'
const POSTGRES_URL = process.env.TEST_DATABASE_URL ?? DEFAULT_URL
const DIRECT_URL = process.env.TEST_DATABASE_DIRECT_URL ?? POSTGRES_URL

const databaseUrl = (name: string) => withName(POSTGRES_URL, name)

/** Returns the URL of a database without the pooler that may be in between. */
export const directUrl = (name: string) => withName(DIRECT_URL, name)

function withName(base: string, name: string): string {
  const url = new URL(base)
  url.pathname = `/${name}`
  return url.href
}

async function administer(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: DIRECT_URL })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
