/**
 * node test/long/backup.ts [tasks]
 * Backs up a PostgreSQL database (TEST_DATABASE_URL) of this many tasks while clients write and
 * upload, restores it into an embedded database, and that one's backup into PostgreSQL again. Fails if
 * the copy is not a moment between the start and the end of the backup, if a checksum differs, if a
 * cursor resumes where it must not, or if a command takes more than 300 MB above an idle start of it.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { rest } from '../support/clients.ts'
import { emptyPostgres } from '../support/database.ts'
import { peakMemoryOf } from '../support/process-usage.ts'
import { keepingLog } from '../support/server.ts'
import { openWorld } from '../support/world.ts'

const MAX_MB = 600
const WRITERS = 4

const tasks = Number(process.argv[2] ?? 1_000_000)
const folder = await mkdtemp(join(tmpdir(), 'taskwire-backup-'))
const world = await openWorld({}, false)
const { owner, server } = world
const token = owner.token
const problems: string[] = []

interface Run {
  output: string
  seconds: number
  peakMb: number
}

/** Runs a command of `taskwire`. On the embedded database, its memory includes that. */
async function taskwire(settings: Record<string, string>, ...args: string[]): Promise<Run> {
  const started = performance.now()
  const { DATABASE_URL: _, ...environment } = process.env
  const child = spawn(process.execPath, ['src/cli.ts', ...args], { env: { ...environment, ...settings } })
  let output = ''
  let peakMb = 0
  const measure = setInterval(() => {
    try {
      // NaN while it ends.
      peakMb = Math.max(peakMb, peakMemoryOf(child.pid) || 0)
    } catch {
      // It has ended.
    }
  }, 100)
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += String(chunk)
    })
  const [code] = await once(child, 'close')
  clearInterval(measure)
  if (code !== 0) problems.push(`taskwire ${args[0]} ended with ${code}: ${output.slice(-500)}`)
  return { output, seconds: (performance.now() - started) / 1_000, peakMb }
}

/** Returns the lines of the backup with its rows and checksums, by table. */
function checksums({ output }: Run): Map<string, string> {
  const lines = output.matchAll(/^(\w+) +(\d+) (?:rows|files) +([\da-f]{64})$/gm)
  return new Map([...lines].map(([, name = '', count = '', sha256 = '']) => [name, `${count} ${sha256}`]))
}

const countOf = (run: Run, table: string) => Number(checksums(run).get(table)?.split(' ')[0])

async function cursorNow(): Promise<string> {
  return (await rest(server, 'GET /events/cursor', { token })).body.cursor
}

function report(name: string, { seconds, peakMb }: Run): void {
  console.log(`${name}: ${seconds.toFixed(1)} s, at most ${Math.round(peakMb)} MB`)
  if (peakMb > MAX_MB) problems.push(`${name} takes ${Math.round(peakMb)} MB`)
}

const client = new pg.Client({ connectionString: world.settings.DATABASE_URL })
await client.connect()
const [projectId = ''] = await world.projects(1)
// Inserts rows without triggers: only the backup is measured.
await client.query('SET session_replication_role = replica')
await client.query(
  `INSERT INTO "Task" ("id", "projectId", "number", "key", "title", "description", "rank")
   SELECT gen_random_uuid(), $1::uuid, 10000000 + n, 'COPY-' || n, 'Task ' || n, repeat('A description. ', (n % 20)::int), task_rank(10000000 + n)
   FROM generate_series(1, $2::int) AS n`,
  [projectId, tasks],
)
await client.end()

const cursor = await cursorNow()
let created = 0
let uploaded = 0
let writing = true
const writers = Array.from({ length: WRITERS }, async () => {
  while (writing) {
    const task = await rest(server, 'POST /tasks', { token, body: { projectId, title: 'Written meanwhile' } })
    if (task.status === 201) created++
    if (created % 10 !== 0) continue
    const headers = { 'content-type': 'application/octet-stream' }
    const path = `/tasks/${task.body.id}/attachments?filename=${created}.txt`
    const { status } = await rest(server, `PUT ${path}`, { token, headers, raw: `The file ${created}` })
    if (status === 201) uploaded++
  }
})
const before = { tasks: tasks + created, files: uploaded }
const file = join(folder, 'first.backup')
const settings = {
  DATABASE_URL: world.settings.DATABASE_URL ?? '',
  DATA_DIR: world.settings.DATA_DIR ?? '',
  JWT_SECRET: world.settings.JWT_SECRET ?? '',
}
const first = await taskwire(settings, 'backup', file)
const after = { tasks: tasks + created, files: uploaded }
writing = false
await Promise.all(writers)
const laterCursor = await cursorNow()
report(`backup of ${tasks} tasks from PostgreSQL, ${Math.round((await stat(file)).size / 2 ** 20)} MiB`, first)
const count = countOf(first, 'Task')
console.log(`tasks: ${before.tasks} at the start, ${count} in the backup, ${after.tasks} at the end`)
if (!(count >= before.tasks && count <= after.tasks + WRITERS))
  problems.push('the backup is not of a moment in between')
if (countOf(first, 'Attachment') > 0 && countOf(first, 'attachments') < before.files) problems.push('files are missing')

const embedded = { DATA_DIR: join(folder, 'data'), PORT: '0' }
report('restore into the embedded database', await taskwire(embedded, 'restore', file))
const second = await taskwire(embedded, 'backup', join(folder, 'second.backup'))
report('backup of the embedded database', second)
for (const [table, sum] of checksums(first)) {
  if (table !== 'EventEpoch' && checksums(second).get(table) !== sum) problems.push(`${table} differs in the copy`)
}

const target = await emptyPostgres()
const back = {
  DATABASE_URL: target.url,
  DATA_DIR: join(folder, 'back'),
  JWT_SECRET: randomUUID() + randomUUID(),
  PORT: '0',
}
report('restore into PostgreSQL', await taskwire(back, 'restore', join(folder, 'second.backup')))
const copy = await startServer(readConfig({ ...back, JWT_SECRET: settings.JWT_SECRET }), keepingLog())
await rest(copy, 'POST /tasks', { token, body: { title: 'After the restore' } })
const resumed = await rest(copy, `GET /events?after=${cursor}`, { token })
if (resumed.status !== 200) problems.push(`the cursor of before the backup got ${resumed.status}`)
const lost = await rest(copy, `GET /events?after=${laterCursor}`, { token })
if (lost.body.code !== 'CURSOR_EXPIRED') problems.push(`the cursor of after the backup got ${lost.status}`)
await copy.close()
await target.drop()
await world.close()
await rm(folder, { recursive: true, force: true })
for (const problem of problems) console.log(problem)
console.log(problems.length === 0 ? 'ok' : 'FAILED')
process.exit(problems.length === 0 ? 0 : 1)
