import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type ConnectionSettings, type Log, prepareTransaction, quoteIdentifier } from './connection.ts'

export const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))

/** Advisory lock of Prisma's own migrate, so that the two exclude each other. */
const PRISMA_LOCK = 72_707_369

/** Equals the table that Prisma creates. */
const HISTORY_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`

export interface Migration {
  name: string
  sql: string
  checksum: string
}

/**
 * Stands in the column `logs` of a migration that releases before it can serve with: it only adds.
 * tools/rolling-changes.ts checks that.
 */
export const EXPANDS = 'expand'

/** First line of a migration that removes what earlier releases used. */
const CONTRACT = /^-- contract: /m

interface Applied {
  migration_name: string
  logs: string | null
  checksum: string
  finished_at: Date | null
}

export interface MigrateOptions {
  /** Has a folder for each migration, with a migration.sql in it. */
  directory?: string
  /** Name of the last migration to apply. Later ones stay pending. */
  until?: string
  log?: Log
}

/**
 * Applies the pending migrations and returns their names. Servers that start together take turns.
 * Each file runs in one transaction with its record, as one simple query, because its functions
 * contain `;`. Throws, before changing anything, if the database has migrations that we cannot serve
 * with.
 */
export async function migrate(connection: ConnectionSettings, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = await readMigrations(options.directory)
  const client = new pg.Client(connection.config)
  // Errors between queries are emitted. The next query fails and reports them.
  client.on('error', () => {})
  await client.connect()
  const names: string[] = []
  const { until } = options
  const isWanted = (name: string) => until === undefined || name <= until
  try {
    let name: string | undefined
    do {
      name = await inTurn(client, () => applyNext(client, connection.schema, migrations, isWanted))
      if (name !== undefined) {
        names.push(name)
        options.log?.info({ migration: name }, 'migration applied')
      }
    } while (name !== undefined)
    return names
  } finally {
    await client.end()
  }
}

/**
 * Runs work in a transaction that excludes the migrations of others. The lock is not one of the
 * session: behind a pooler, it could stay with a session that nobody uses.
 */
async function inTurn<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN; SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [PRISMA_LOCK])
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    // A lost connection has already rolled back. Report the first error.
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

/** Applies the first pending migration and returns its name. */
async function applyNext(
  client: pg.Client,
  schema: string,
  migrations: readonly Migration[],
  isWanted: (name: string) => boolean,
): Promise<string | undefined> {
  await createSchema(client, schema)
  await prepareTransaction(client, schema)
  await client.query(HISTORY_TABLE)
  const { rows } = await client.query<Applied>(
    'SELECT migration_name, checksum, finished_at, logs FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at',
  )
  checkHistory(rows, migrations)
  const done = new Set(rows.map((row) => row.migration_name))
  const next = migrations.find(({ name }) => isWanted(name) && !done.has(name))
  if (next) await apply(client, next)
  return next?.name
}

/**
 * Creates the schema if it is missing. Asks first: CREATE SCHEMA needs a right on the database, also
 * with IF NOT EXISTS.
 */
async function createSchema(client: pg.Client, schema: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema])
  if (rowCount === 0) await client.query(`CREATE SCHEMA ${quoteIdentifier(schema)}`)
}

export async function readMigrations(directory = MIGRATIONS): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(directory, name, 'migration.sql'), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

function checkHistory(applied: readonly Applied[], migrations: readonly Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const row of applied) {
    const migration = known.get(row.migration_name)
    if (!migration) {
      // During an upgrade, servers of the release before start beside newer ones.
      if (row.logs === EXPANDS && row.finished_at) continue
      throw new Error(
        `The database has the migration ${row.migration_name}, which this version of Taskwire does not know. ` +
          'A newer version used it. Start that version.',
      )
    }
    if (!row.finished_at) {
      throw new Error(
        `The migration ${row.migration_name} failed half-way when another tool applied it. Repair the database, ` +
          'then mark the migration with "prisma migrate resolve".',
      )
    }
    if (row.checksum !== migration.checksum) {
      throw new Error(
        `The migration ${row.migration_name} was edited after this database applied it. Restore ` +
          `prisma/migrations/${row.migration_name}/migration.sql and write the change as a new migration.`,
      )
    }
  }
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  const started = new Date()
  try {
    await client.query(migration.sql)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`The migration ${migration.name} failed and was undone: ${reason}`, { cause: error })
  }
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count, logs)
     VALUES ($1, $2, clock_timestamp(), $3, $4, 1, $5)`,
    [randomUUID(), migration.checksum, migration.name, started, CONTRACT.test(migration.sql) ? null : EXPANDS],
  )
}
