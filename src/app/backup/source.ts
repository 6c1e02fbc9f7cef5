import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { Config } from '../../config.ts'
import { type ConnectionSettings, parseConnection, prepareSession } from '../../database/connection.ts'
import { type EmbeddedDatabase, IN_MEMORY, startEmbedded } from '../../database/embedded.ts'
import { DataDirInUseError } from '../../database/single-process.ts'
import { requestSnapshot } from '../../database/snapshot.ts'
import { BackupError } from './format.ts'

export interface OpenConnection {
  connection: ConnectionSettings
  close(): Promise<void>
}

/**
 * Opens the database to back up, also while a server uses it. Only one process can open the
 * embedded database: its server then makes a copy of the files, which is removed at the end.
 */
export async function openSource(config: Config): Promise<OpenConnection> {
  if (config.DATABASE_URL) return { connection: parseConnection(config.DATABASE_URL), close: async () => {} }
  if (config.DATA_DIR === IN_MEMORY) {
    throw new BackupError('DATA_DIR: a database in memory cannot be backed up, because only its server can reach it.')
  }
  try {
    return await startEmbedded(config.DATA_DIR)
  } catch (error) {
    if (!(error instanceof DataDirInUseError)) throw error
  }
  const copy = await mkdtemp(join(config.DATA_DIR, 'backup-'))
  const remove = () => rm(copy, { recursive: true, force: true })
  let embedded: EmbeddedDatabase
  try {
    await requestSnapshot(config.DATA_DIR, join(copy, 'postgres'))
    embedded = await startEmbedded(copy)
  } catch (error) {
    await remove()
    throw error
  }
  return {
    connection: embedded.connection,
    async close() {
      await embedded.close()
      await remove()
    },
  }
}

/** Opens the database to restore into. Nobody else may use it. */
export async function openTarget(config: Config): Promise<OpenConnection> {
  if (config.DATABASE_URL) return { connection: parseConnection(config.DATABASE_URL), close: async () => {} }
  if (config.DATA_DIR === IN_MEMORY) {
    throw new BackupError('DATA_DIR: a database in memory is gone when the command ends. Set DATA_DIR to a folder.')
  }
  return startEmbedded(config.DATA_DIR)
}

/** Runs `work` in one transaction of its own connection. Behind a pooler, it stays on one backend. */
export async function inTransaction<Result>(
  { config, schema }: ConnectionSettings,
  begin: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ ...config, application_name: COMMAND_NAME })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(begin)
    await prepareSession(client, schema)
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } finally {
    // Rolls back what was not committed.
    await client.end()
  }
}

export const COMMAND_NAME = 'taskwire-backup'
