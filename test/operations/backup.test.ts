import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { writeArchive } from '../../src/app/backup/archive.ts'
import { BackupError } from '../../src/app/backup/format.ts'
import { restoreBackup } from '../../src/app/backup/restore.ts'
import { writeBackup } from '../../src/app/backup/write.ts'
import { startServer } from '../../src/app/server.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { startEmbedded } from '../../src/database/embedded.ts'
import { migrate, readMigrations } from '../../src/database/migrate.ts'
import { rest } from '../support/clients.ts'
import { emptyPostgres } from '../support/database.ts'
import { cursorOf, newProject, newTask } from '../support/factories.ts'
import { textFile } from '../support/files.ts'
import { type Person, signUpAt } from '../support/people.ts'
import { keepingLog, type OwnServer, ownServer, QUICK_TO_STOP } from '../support/server.ts'

const SECRET = 'a secret for tests that is long enough'

let server: OwnServer
let user: Person
let folder: string
let backup: string
/** Cursors of the time of the backup, and of a change after it. */
let cursor: string
let laterCursor: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskwire-backup-test-'))
  server = await ownServer()
  user = await signUpAt(server)
  const project = await newProject(user, { description: 'Tab\t, line\nfeed, back\\slash and \\N' })
  const task = await newTask(user, { projectId: project.id, title: 'Keep the file' })
  const uploaded = await rest(server, `POST /tasks/${task.id}/attachments`, {
    token: user.token,
    body: textFile('The notes of the task'),
  })
  expect(uploaded.status).toBe(201)
  await rest(server, `PATCH /tasks/${task.id}`, { token: user.token, body: { title: 'Keep the file for ever' } })
  cursor = await cursorOf(user)
  backup = join(folder, 'first.backup')
  await writeBackup(server.config, backup)
  await newTask(user, { title: 'After the backup' })
  laterCursor = await cursorOf(user)
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

/** An empty database of either kind. */
async function emptyDatabase(kind: 'embedded' | 'postgres'): Promise<Config> {
  const dataDir = await mkdtemp(join(folder, 'data-'))
  const url = kind === 'postgres' ? await emptyPostgres() : undefined
  if (url) onTestFinished(() => url.drop())
  return readConfig({ PORT: '0', DATA_DIR: dataDir, JWT_SECRET: SECRET, ...(url && { DATABASE_URL: url.url }) })
}

const KINDS = process.env.TEST_DATABASE_URL ? (['embedded', 'postgres'] as const) : (['embedded'] as const)

test('a backup made while clients write has one moment between its start and its end', async () => {
  const file = join(folder, 'busy.backup')
  let created = await server.db.task.count()
  const atStart = created
  let stopped = false
  const writers = [1, 2, 3].map(async () => {
    while (!stopped) {
      const { status } = await rest(server, 'POST /tasks', { token: user.token, body: { title: 'Written meanwhile' } })
      expect(status).toBe(201)
      created++
    }
  })
  const manifest = await writeBackup(server.config, file)
  stopped = true
  await Promise.all(writers)

  const tasks = manifest.tables.Task!.rows
  expect(tasks).toBeGreaterThanOrEqual(atStart)
  expect(tasks).toBeLessThanOrEqual(created)
  // A trigger writes these in the same transaction as a task.
  expect(manifest.tables.TaskSearch!.rows).toBe(tasks)

  const config = await emptyDatabase('embedded')
  const restored = await restoreBackup(config, file)
  expect(restored.manifest).toEqual(manifest)
})

test.each(KINDS)('a restored %s database serves everything, with the same checksums', async (kind) => {
  const config = await emptyDatabase(kind)
  const { manifest, migrated } = await restoreBackup(config, backup)
  expect(migrated).toEqual([])

  // Nothing was logged again, and the backup of the copy has the same checksums.
  const { tables, attachments } = await writeBackup(config, join(folder, `${kind}.again`))
  const { EventEpoch: epochs, ...others } = manifest.tables
  expect(attachments).toEqual(manifest.attachments)
  expect(tables).toMatchObject(others)
  expect(tables.EventEpoch!.rows).toBe(epochs!.rows + 1)

  const copy = await startServer(config, keepingLog(), undefined, QUICK_TO_STOP)
  try {
    const { body: tasks } = await rest(copy, 'GET /tasks?search=ever', { token: user.token })
    expect(tasks.nodes).toMatchObject([{ title: 'Keep the file for ever', version: 2 }])
    const { id } = tasks.nodes[0]
    const { body: files } = await rest(copy, `GET /tasks/${id}/attachments`, { token: user.token })
    const content = await rest(copy, `GET /attachments/${files.nodes[0].id}/content`, { token: user.token })
    expect(content.text).toBe('The notes of the task')

    // Positions after the backup are given again.
    await rest(copy, 'POST /tasks', { token: user.token, body: { title: 'Another' } })
    const resumed = await rest(copy, `GET /events?after=${cursor}`, { token: user.token })
    expect(resumed.body.nodes[0]).toMatchObject({ type: 'task.created' })
    const lost = await rest(copy, `GET /events?after=${laterCursor}`, { token: user.token })
    expect(lost.body).toMatchObject({ status: 410, code: 'CURSOR_EXPIRED' })

    // Triggers, keys and sequences work on.
    const changed = await rest(copy, `PATCH /tasks/${id}`, { token: user.token, body: { title: 'Changed' } })
    expect(changed.body.version).toBe(3)
    const { projectId } = changed.body
    const next = await rest(copy, 'POST /tasks', { token: user.token, body: { title: 'Next', projectId } })
    expect(next.body.number).toBe(2)
    const missing = { title: 'Nowhere', projectId: '01890000-0000-7000-8000-000000000000' }
    expect((await rest(copy, 'POST /tasks', { token: user.token, body: missing })).status).toBe(404)
    await expect(
      copy.db.label.create({ data: { name: 'x', color: '#000000', projectId: missing.projectId } }),
    ).rejects.toThrow()
  } finally {
    await copy.close()
  }
})

test('a backup leaves nothing but its file, which only its owner can read', async () => {
  expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([])
  expect((await readdir(server.config.DATA_DIR)).filter((name) => name.startsWith('backup-'))).toEqual([])
  const file = await open(backup)
  expect((await file.stat()).mode & 0o777).toBe(0o600)
  await file.close()
})

test('a database with data is replaced only on request', async () => {
  const config = await emptyDatabase('embedded')
  await restoreBackup(config, backup)
  await expect(restoreBackup(config, backup)).rejects.toThrow('pass --replace')
  await restoreBackup(config, backup, { replace: true })
})

test('a database that a server uses is refused', async () => {
  await expect(restoreBackup(server.config, backup, { replace: true })).rejects.toThrow(/in use|Stop every server/)
})

test('a file that is cut off is refused, and the database stays empty', async () => {
  const bytes = await readFile(backup)
  const config = await emptyDatabase('embedded')
  for (const length of [0, 10, bytes.length >> 1, bytes.length - 100]) {
    const file = join(folder, 'cut.backup')
    await writeFile(file, bytes)
    await truncate(file, length)
    await expect(restoreBackup(config, file), `cut to ${length} bytes`).rejects.toThrow(
      /cut off|incomplete|is not a backup/,
    )
  }
  await restoreBackup(config, backup)
})

test('a file with a changed byte is refused', async () => {
  const bytes = await readFile(backup)
  const config = await emptyDatabase('embedded')
  const file = join(folder, 'changed.backup')
  for (const place of [0.3, 0.6, 0.9]) {
    const changed = Buffer.from(bytes)
    const index = Math.floor(bytes.length * place)
    changed[index] = changed[index]! ^ 0xff
    await writeFile(file, changed)
    await expect(restoreBackup(config, file)).rejects.toThrow(BackupError)
  }
})

test('a wrong checksum names the table', async () => {
  const config = await emptyDatabase('embedded')
  const file = join(folder, 'edited.backup')
  const sha256 = createHash('sha256').digest('hex')
  const tables = { User: { rows: 1, sha256 } }
  await writeArchive(file, async (archive) => {
    const migrations = (await readMigrations()).map(({ name, checksum }) => ({ name, checksum }))
    const header = {
      format: 1,
      createdAt: '2026-01-01T00:00:00.000Z',
      migrations,
      tables: { User: ['id', 'email', 'name'] },
    }
    await archive.add('taskwire.json', JSON.stringify(header))
    await archive.add('tables/User/1.copy', '01890000-0000-7000-8000-000000000001\ta@example.org\tAda\n')
    await archive.add(
      'manifest.json',
      JSON.stringify({ tables, attachments: { count: 0, bytes: 0, sha256, missing: [] } }),
    )
  })
  await expect(restoreBackup(config, file)).rejects.toThrow('the SHA-256 of the table User is')
})

test('a backup of a newer version is refused with the migration it needs', async () => {
  const file = join(folder, 'newer.backup')
  await writeArchive(file, (archive) =>
    archive.add(
      'taskwire.json',
      JSON.stringify({ format: 1, createdAt: '', migrations: [{ name: '2099_future', checksum: 'x' }], tables: {} }),
    ),
  )
  await expect(restoreBackup(await emptyDatabase('embedded'), file)).rejects.toThrow(/newer version.*2099_future/)
})

test('a backup of an older version is restored, then migrated', async () => {
  const old = await emptyDatabase('embedded')
  const names = (await readMigrations()).map(({ name }) => name)
  const embedded = await startEmbedded(old.DATA_DIR)
  await migrate(embedded.connection, { until: names.at(-2)! })
  await embedded.close()
  const file = join(folder, 'older.backup')
  await writeBackup(old, file)

  const { migrated } = await restoreBackup(await emptyDatabase('embedded'), file)
  expect(migrated).toEqual(names.slice(-1))
  const current = await emptyDatabase('embedded')
  await restoreBackup(current, backup)
  await expect(restoreBackup(current, file, { replace: true })).rejects.toThrow('older than the database')
})

test('an attachment whose file is gone is left out and named', async () => {
  const config = await emptyDatabase('embedded')
  await restoreBackup(config, backup)
  const stored = await readdir(join(config.DATA_DIR, 'attachments'), { recursive: true, withFileTypes: true })
  const file = stored.find((entry) => entry.isFile())!
  await rm(join(file.parentPath, file.name))
  const { attachments } = await writeBackup(config, join(folder, 'missing.backup'))
  expect(attachments).toMatchObject({ count: 0, missing: [file.name] })
})

test('a database without tables is not backed up', async () => {
  const config = await emptyDatabase('embedded')
  const file = join(folder, 'nothing.backup')
  await expect(writeBackup(config, file)).rejects.toThrow('nothing to back up')
  expect(existsSync(file)).toBe(false)
})

if (process.env.TEST_DATABASE_URL) {
  test('an ordinary role that owns its tables can restore', async () => {
    const config = await emptyDatabase('postgres')
    const url = new URL(config.DATABASE_URL!)
    const role = `taskwire_owner_${crypto.randomUUID().slice(0, 8)}`
    const { default: pg } = await import('pg')
    const admin = new pg.Client({ connectionString: url.href })
    await admin.connect()
    await admin.query(`CREATE ROLE ${role} LOGIN; GRANT USAGE, CREATE ON SCHEMA public TO ${role}`)
    onTestFinished(async () => {
      await admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
      await admin.end()
    })
    url.username = role
    url.password = ''
    const { manifest } = await restoreBackup({ ...config, DATABASE_URL: url.href }, backup)
    expect(manifest.tables.Task!.rows).toBeGreaterThan(0)
  })
}
