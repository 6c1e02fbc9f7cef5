import type { ClientBase } from 'pg'
import { BackupError, type Header } from './format.ts'
import { readTables, type Table } from './tables.ts'

/** Throws if the database has applied migrations that the backup does not have. */
export async function requireSameMigrations(client: ClientBase, { migrations }: Header): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE migration_name <> ALL ($1)',
    [migrations.map(({ name }) => name)],
  )
  if (!rows[0]) return
  throw new BackupError(
    `The backup is older than the database: it lacks the migration ${rows[0].name}. Restore it into an empty ` +
      'database, or an empty DATA_DIR; it is brought up to date afterwards.',
  )
}

/** Throws if a server has the database open. The embedded one is claimed already. */
export async function requireUnused(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'taskwire'`,
  )
  if (!rows[0]) return
  throw new BackupError(`A Taskwire server uses the database (backend ${rows[0].pid}). Stop every server first.`)
}

/** Throws if the database has users or events. A server that started creates neither. */
export async function requireEmpty(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ used: boolean }>(
    'SELECT EXISTS (SELECT FROM "User") OR EXISTS (SELECT FROM "Event") AS used',
  )
  if (!rows[0]?.used) return
  throw new BackupError(
    'The database is not empty. Restore into an empty one, or pass --replace to delete everything in it.',
  )
}

/** Returns the tables of the backup, with the columns in its order and the types of this database. */
export async function columnsByHeader(client: ClientBase, { tables }: Header): Promise<Map<string, Table>> {
  const own = new Map((await readTables(client)).map((table) => [table.name, table]))
  return new Map(
    Object.entries(tables).map(([name, columns]) => {
      const table = own.get(name)
      if (!table) throw new BackupError(`The database has no table ${name}, which the backup has.`)
      const ordered = columns.map((column) => {
        const found = table.columns.find((one) => one.name === column)
        if (!found) throw new BackupError(`The table ${name} has no column ${column}, which the backup has.`)
        return found
      })
      return [name, { ...table, columns: ordered }]
    }),
  )
}
