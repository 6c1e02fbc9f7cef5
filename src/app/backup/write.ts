import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import type { ClientBase } from 'pg'
import type { Config } from '../../config.ts'
import { openFolder } from '../../modules/attachments/storage/folder.ts'
import { attachmentsFolder, STORE_KIND } from '../open-files.ts'
import { type ArchiveWriter, writeArchive } from './archive.ts'
import { BackupError, FORMAT, type Header, type Manifest, MEMBERS } from './format.ts'
import { inTransaction, openSource } from './source.ts'
import { readRows, readTables, summarize, type Table } from './tables.ts'

const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'

/**
 * Writes everything that the configured database had at one moment, and the attachments of that
 * moment, to a file. Servers go on serving. Takes little memory, however much there is.
 */
export async function writeBackup(config: Config, file: string): Promise<Manifest> {
  const source = await openSource(config)
  try {
    return await inTransaction(source.connection, BEGIN, async (client) => {
      // The first query fixes the moment.
      const header = await readHeader(client)
      const tables = await readTables(client)
      const manifest: Manifest = { tables: {}, attachments: { count: 0, bytes: 0, sha256: '', missing: [] } }
      await writeArchive(file, async (archive) => {
        await archive.add(MEMBERS.header, json({ ...header, tables: columnsOf(tables) }))
        for (const table of tables) {
          manifest.tables[table.name] = await summarize(client, table, (bytes, part) =>
            archive.add(MEMBERS.table(table.name, part), bytes),
          )
        }
        manifest.attachments = await addAttachments(config, client, archive)
        await archive.add(MEMBERS.manifest, json(manifest))
      })
      return manifest
    })
  } finally {
    await source.close()
  }
}

const json = (value: Header | Manifest) => `${JSON.stringify(value, null, 2)}\n`

const columnsOf = (tables: readonly Table[]) =>
  Object.fromEntries(tables.map(({ name, columns }) => [name, columns.map((column) => column.name)]))

async function readHeader(client: ClientBase): Promise<Omit<Header, 'tables'>> {
  const { rows: found } = await client.query(`SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`)
  if (!found[0]?.found) throw new BackupError('The database has no tables of Taskwire: there is nothing to back up.')
  const { rows } = await client.query<Header['migrations'][number]>(
    `SELECT migration_name AS name, checksum FROM _prisma_migrations
      WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name COLLATE "C"`,
  )
  return { format: FORMAT, createdAt: new Date().toISOString(), migrations: rows }
}

/** Adds the file of each row. Files deleted since the moment of the backup are left out and listed. */
async function addAttachments(
  config: Config,
  client: ClientBase,
  archive: ArchiveWriter,
): Promise<Manifest['attachments']> {
  const summary: Manifest['attachments'] = { count: 0, bytes: 0, sha256: '', missing: [] }
  const all = createHash('sha256')
  const { rows: stores } = await client.query<{ id: string }>('SELECT id FROM "FileStore" WHERE kind = $1', [
    STORE_KIND,
  ])
  const files = stores[0] && (await openFolder(join(attachmentsFolder(config), stores[0].id)))
  for await (const rows of readRows(client, ATTACHMENTS)) {
    for (const [id, text] of rows) {
      if (!id) continue
      const size = Number(text)
      const bytes = await files?.read(id, 0, Math.max(size - 1, 0))
      if (!bytes) {
        summary.missing.push(id)
        continue
      }
      const hash = createHash('sha256')
      const hashed = new Transform({
        transform(chunk, _, done) {
          hash.update(chunk)
          done(null, chunk)
        },
      })
      bytes.once('error', (error) => hashed.destroy(error))
      await archive.addStream(MEMBERS.file(id), size, bytes.pipe(hashed))
      if (size === 0) await once(bytes.destroy(), 'close')
      all.update(`${id} ${hash.digest('hex')}\n`)
      summary.count++
      summary.bytes += size
    }
  }
  summary.sha256 = all.digest('hex')
  return summary
}

const ATTACHMENTS: Table = {
  name: 'Attachment',
  columns: [
    { name: 'id', type: 'uuid' },
    { name: 'size', type: 'bigint' },
  ],
  key: ['id'],
}
