import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/database/client.ts'
import { startEmbedded } from '../../src/database/embedded.ts'
import { toAppError } from '../../src/database/errors.ts'
import { onPostgres, testDatabase } from '../support/database.ts'
import { makeProject } from '../support/rows.ts'
import { until } from '../support/wait.ts'

const WRITER = fileURLToPath(new URL('../support/embedded-writer.ts', import.meta.url))

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function dataDirectory(): Promise<string> {
  const { options, drop } = await testDatabase()
  cleanUps.push(drop)
  return options.dataDir
}

async function start(dataDir: string) {
  const embedded = await startEmbedded(dataDir)
  cleanUps.push(() => embedded.close())
  return embedded
}

async function connected(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config)
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Starts a process that writes projects forever and prints the key of each acknowledged one. */
function startWriter(dataDir: string): {
  child: ChildProcess
  lines: string[]
  exit: Promise<number | null>
  errors: () => string
} {
  const child = spawn(process.execPath, [WRITER, dataDir], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  let errors = ''
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  child.stderr.on('data', (chunk) => (errors += chunk))
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  cleanUps.push(async () => {
    child.kill('SIGKILL')
    await exit
  })
  return { child, lines, exit, errors: () => errors }
}

describe.skipIf(onPostgres)('the embedded database', () => {
  test('cannot be opened twice in one process, by any path, until the first has closed', async () => {
    const dataDir = await dataDirectory()
    const embedded = await start(dataDir)
    const link = join(await mkdtemp(join(tmpdir(), 'tw-link-')), 'link')
    await symlink(dataDir, link)
    cleanUps.push(() => rm(join(link, '..'), { recursive: true }))
    await expect(startEmbedded(dataDir)).rejects.toThrow(`${dataDir} is in use by another Taskwire server`)
    await expect(startEmbedded(link)).rejects.toThrow('is in use')
    await embedded.close()
    await embedded.close()
    await start(link)
  })

  test('cannot be opened by a second process until the first is killed, and keeps every acknowledged row with its event', async () => {
    const dataDir = await dataDirectory()
    const keys: string[] = []
    for (let round = 0; round < 2; round++) {
      const writer = startWriter(dataDir)
      await until('the writer writes', () => writer.lines.length > 50)
      await expect(startEmbedded(dataDir)).rejects.toThrow('is in use')
      const second = startWriter(dataDir)
      expect(await second.exit).not.toBe(0)
      expect(second.errors()).toContain('is in use by another Taskwire server')
      writer.child.kill('SIGKILL')
      await writer.exit
      keys.push(...writer.lines)
    }
    const handle = await openDatabase({ dataDir })
    cleanUps.push(() => handle.close())
    const projects = await handle.db.project.findMany({ select: { id: true, key: true } })
    const stored = new Set(projects.map((project) => project.key))
    expect(keys.filter((key) => !stored.has(key))).toEqual([])
    const events = await handle.db.event.findMany({ where: { type: 'project.created' }, select: { subjectId: true } })
    expect(events.map((event) => event.subjectId).sort()).toEqual(projects.map((project) => project.id).sort())
  })

  test('does not keep a process alive that forgets to close it', async () => {
    const dataDir = await dataDirectory()
    const child = spawn(process.execPath, [WRITER, dataDir, '3'], { stdio: 'ignore' })
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0)
  })

  test('keeps its socket in a directory that only its user can enter, and removes it', async () => {
    const embedded = await start(await dataDirectory())
    const directory = embedded.connection.config.host ?? ''
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect(Buffer.byteLength(join(directory, '.s.PGSQL.5432'))).toBeLessThanOrEqual(107)
    await embedded.close()
    expect(existsSync(directory)).toBe(false)
  })

  test('serves one client at a time and resets the session between them', async () => {
    const { connection } = await start(await dataDirectory())
    const first = await connected(connection.config)
    await first.query({ name: 'mine', text: 'SELECT 1' })
    await first.query(
      `SET search_path TO nowhere; BEGIN; INSERT INTO public."Project" ("id", "key", "name") VALUES (gen_random_uuid(), 'LEFT', '')`,
    )
    let served = false
    const waiting = connected(connection.config).then((client) => {
      served = true
      return client
    })
    await first.query('SELECT 1')
    expect(served).toBe(false)
    // The connection drops in the middle of its transaction.
    ;(first as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    const second = await waiting
    expect((await second.query('SELECT * FROM "Project"')).rows).toEqual([])
    expect((await second.query({ name: 'mine', text: 'SELECT 2 AS two' })).rows).toEqual([{ two: 2 }])
    await second.end()
  })

  test('survives an error within a group of messages and a client of another protocol', async () => {
    const { connection } = await start(await dataDirectory())
    const stray = connect(join(connection.config.host ?? '', '.s.PGSQL.5432'))
    stray.write('GET / HTTP/1.1\r\n\r\n')
    await new Promise((resolve) => stray.once('close', resolve))
    const client = await connected(connection.config)
    await expect(client.query('SELECT 1 / $1::int', [0])).rejects.toThrow('division by zero')
    const long = 'x'.repeat(3_000_000)
    expect((await client.query('SELECT $1::text AS text', [long])).rows[0].text).toHaveLength(long.length)
    await client.end()
  })

  test('disconnects its clients and reports the failure when its thread dies', async () => {
    const started = new Promise<Worker>((resolve) => process.once('worker', resolve))
    const handle = await openDatabase({ dataDir: await dataDirectory() })
    cleanUps.push(() => handle.close())
    await handle.ping()
    const failure = new Promise<Error>((resolve) => handle.onFailure(resolve))
    await (await started).terminate()
    expect((await failure).message).toContain('stopped by itself')
    await expect(handle.ping()).rejects.toThrow()
    const error = await makeProject(handle.db).catch(toAppError)
    expect(error).toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('is vacuumed and analysed in a quiet moment after many statements, but not during a transaction', async () => {
    const embedded = await startEmbedded(await dataDirectory(), { maintenanceMs: 20 })
    cleanUps.push(() => embedded.close())
    const client = await connected(embedded.connection.config)
    const analysed = async () =>
      (await client.query(`SELECT reltuples::int AS rows FROM pg_class WHERE relname = 'Project'`)).rows[0].rows
    await client.query(
      `INSERT INTO "Project" ("id", "key", "name") SELECT gen_random_uuid(), 'N' || n, '' FROM generate_series(10, 19) n`,
    )
    await client.query('BEGIN')
    for (let index = 0; index < 5_000; index++) await client.query('SELECT 1')
    let asked = 0
    await until('some time has passed', async () => (await analysed()) === 10 || ++asked > 20)
    expect(await analysed()).not.toBe(10)
    await client.query('COMMIT')
    await until('it is analysed', async () => (await analysed()) === 10)
    await client.end()
  })

  test('explains why it cannot start, and releases the directory', async () => {
    const dataDir = await dataDirectory()
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '9\n')
    await expect(startEmbedded(dataDir)).rejects.toThrow('The embedded database did not start')
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '18\n')
    await start(dataDir)
  })

  test('moves an incomplete cluster out of the way', async () => {
    const dataDir = await dataDirectory()
    await rm(join(dataDir, 'postgres', 'taskwire.complete'))
    await rm(join(dataDir, 'postgres', 'base'), { recursive: true })
    const handle = await openDatabase({ dataDir })
    cleanUps.push(() => handle.close())
    await makeProject(handle.db)
    expect((await readdir(dataDir)).filter((name) => name.startsWith('postgres.incomplete-'))).toHaveLength(1)
  })
})
