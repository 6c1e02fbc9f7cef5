import { createHash, randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClientBase } from 'pg'
import type { Config } from '../../config.ts'
import { migrate, readMigrations } from '../../database/migrate.ts'
import { openFolder } from '../../modules/attachments/storage/folder.ts'
import type { FileStorage } from '../../request/files.ts'
import { attachmentsFolder, STORE_KIND } from '../open-files.ts'
import { type Member, readArchive } from './archive.ts'
import { BackupError, FORMAT, type Header, headerSchema, type Manifest, MEMBERS, manifestSchema } from './format.ts'
import { decodeRows } from './rows.ts'
import { inTransaction, openTarget } from './source.ts'
import { suspendConstraints } from './suspend.ts'
import { insertRows, summarize, type Table } from './tables.ts'
import { columnsByHeader, requireEmpty, requireSameMigrations, requireUnused } from './target.ts'

export interface Restored {
  header: Header
  manifest: Manifest
  /** Names of the migrations that were applied to the restored rows. */
  migrated: string[]
}

/**
 * Restores a backup into the configured database in one transaction: all or nothing. Compares every
 * checksum, also of what the database then has. Applies newer migrations afterwards.
 */
export async function restoreBackup(
  config: Config,
  file: string,
  { replace = false }: { replace?: boolean } = {},
): Promise<Restored> {
  const members = readArchive(file)
  const header = await readHeader(file, await members.next())
  const target = await openTarget(config)
  try {
    await migrate(target.connection, { until: header.migrations.at(-1)?.name ?? '' })
    const manifest = await inTransaction(target.connection, 'BEGIN', async (client) => {
      await requireSameMigrations(client, header)
      await requireUnused(client)
      if (!replace) await requireEmpty(client)
      const loaded = await load(config, client, { file, header, members })
      if (header.tables.EventEpoch !== undefined) await beginEpoch(client)
      return loaded
    })
    const migrated = await migrate(target.connection)
    if (header.tables.EventEpoch === undefined) await inTransaction(target.connection, 'BEGIN', beginEpoch)
    return { header, manifest, migrated }
  } finally {
    await members.return(undefined)
    await target.close()
  }
}

/**
 * Begins an epoch of the event log at its end, because positions after it may be given a second time.
 * Cursors without an epoch belong to the first, which a backup of an older version lacks.
 */
async function beginEpoch(client: ClientBase): Promise<void> {
  await client.query('SELECT start_event_epoch(0) WHERE NOT EXISTS (SELECT FROM "EventEpoch")')
  await client.query('SELECT start_event_epoch(coalesce(max("position"), 0)) FROM "Event"')
}

async function readHeader(file: string, first: IteratorResult<Member>): Promise<Header> {
  if (first.done || first.value.name !== MEMBERS.header) throw new BackupError(`${file} is not a backup of Taskwire.`)
  const given = parse(file, await bytesOf(first.value))
  const { format } = given as Partial<Header>
  if (format !== FORMAT) {
    throw new BackupError(`${file} has the format ${format}; this version reads ${FORMAT}. Use a newer version.`)
  }
  const header = valid(file, headerSchema.safeParse(given))
  const known = new Map((await readMigrations()).map(({ name, checksum }) => [name, checksum]))
  const unknown = header.migrations.find(({ name, checksum }) => known.get(name) !== checksum)
  if (unknown) {
    throw new BackupError(
      `${file} was made by a newer version: it has the migration ${unknown.name}, which this one lacks. Restore it with that version.`,
    )
  }
  return header
}

interface Source {
  file: string
  header: Header
  members: AsyncIterable<Member>
}

async function load(config: Config, client: ClientBase, { file, header, members }: Source): Promise<Manifest> {
  const tables = await columnsByHeader(client, header)
  const storeId = randomUUID()
  const folder = join(attachmentsFolder(config), storeId)
  const resume = await suspendConstraints(client)
  try {
    const loaded = await readMembers(file, members, {
      onRows: (table, bytes) => insertRows(client, requireTable(tables, table), decodeRows(bytes)),
      files: await openFolder(folder),
    })
    if (!loaded.manifest)
      throw new BackupError(`${file} is incomplete: it ends before its manifest. Use another backup.`)
    await resume()
    await compare(client, file, tables, { ...loaded, manifest: loaded.manifest })
    await client.query('INSERT INTO "FileStore" (kind, id) VALUES ($1, $2)', [STORE_KIND, storeId])
    return loaded.manifest
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

function requireTable(tables: ReadonlyMap<string, Table>, name: string): Table {
  const table = tables.get(name)
  if (!table) throw new BackupError(`The backup has rows of the table ${name}, which its header does not name.`)
  return table
}

interface Loaded {
  /** SHA-256 of the rows of each table, as they were read. */
  hashes: Map<string, string>
  attachments: string
  manifest: Manifest | undefined
}

interface Sinks {
  onRows(table: string, bytes: Buffer): Promise<void>
  files: FileStorage
}

async function readMembers(file: string, members: AsyncIterable<Member>, { onRows, files }: Sinks): Promise<Loaded> {
  const hashes = new Map<string, ReturnType<typeof createHash>>()
  const attachments = createHash('sha256')
  let manifest: Manifest | undefined
  for await (const member of members) {
    const [kind, name = ''] = member.name.split('/')
    if (member.name === MEMBERS.manifest) {
      manifest = valid(file, manifestSchema.safeParse(parse(file, await bytesOf(member))))
    } else if (kind === 'attachments') {
      attachments.update(`${name} ${await writeFile(files, name, member.bytes)}\n`)
    } else {
      const bytes = await bytesOf(member)
      const hash = hashes.get(name) ?? createHash('sha256')
      hashes.set(name, hash.update(bytes))
      await onRows(name, bytes)
    }
  }
  const digests = [...hashes].map(([name, hash]) => [name, hash.digest('hex')] as const)
  return { hashes: new Map(digests), attachments: attachments.digest('hex'), manifest }
}

async function writeFile(files: FileStorage, id: string, bytes: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256')
  async function* hashed() {
    for await (const chunk of bytes) {
      hash.update(chunk)
      yield chunk
    }
  }
  await files.write(id, hashed())
  return hash.digest('hex')
}

const EMPTY = createHash('sha256').digest('hex')

/** Compares what was read, and what the database now has, with the manifest. */
async function compare(
  client: ClientBase,
  file: string,
  tables: ReadonlyMap<string, Table>,
  { hashes, attachments, manifest }: Loaded & { manifest: Manifest },
): Promise<void> {
  const requireEqual = (subject: string, found: string | number, expected: string | number | undefined) => {
    if (found === expected) return
    throw new BackupError(`${file} is damaged: ${subject} is ${found}, and should be ${expected}. Use another backup.`)
  }
  for (const [name, table] of tables) {
    const expected = manifest.tables[name]
    requireEqual(`the SHA-256 of the table ${name}`, hashes.get(name) ?? EMPTY, expected?.sha256)
    const stored = await summarize(client, table)
    requireEqual(`the number of restored rows in ${name}`, stored.rows, expected?.rows)
    requireEqual(`the SHA-256 of the restored table ${name}`, stored.sha256, expected?.sha256)
  }
  requireEqual('the SHA-256 of the attachments', attachments, manifest.attachments.sha256)
}

function parse(file: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    throw damaged(file)
  }
}

function valid<Value>(file: string, result: { success: true; data: Value } | { success: false }): Value {
  if (!result.success) throw damaged(file)
  return result.data
}

const damaged = (file: string) => new BackupError(`${file} is damaged. Use another backup.`)

async function bytesOf({ bytes }: Member): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}
