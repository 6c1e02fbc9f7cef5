/**
 * node test/long/transfer.ts [exported] [imported]
 * Exports and imports this many tasks, on PostgreSQL (TEST_DATABASE_URL). Fails if an export takes
 * longer than COPY of the same rows, with the same names, by more than a factor of 1 / 0.3, if it
 * takes more than 100 MB of memory, or if a row of an import takes more than a tenth of a single
 * creation.
 */
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { memoryOf, peakMemoryOf } from '../support/process-usage.ts'
import { openWorld } from '../support/world.ts'

const MIN_OF_COPY = 0.3
const MAX_GROWTH_MB = 100
const MIN_OF_SINGLE = 10
const SINGLE = 500

const exported = Number(process.argv[2] ?? 1_000_000)
const imported = Number(process.argv[3] ?? 100_000)
const world = await openWorld({ IMPORT_LIMIT: '1073741824' }, false)
const { owner, server } = world
const client = new pg.Client({ connectionString: world.settings.DATABASE_URL })
await client.connect()
const problems: string[] = []

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

const importedRow = (index: number) =>
  `${JSON.stringify({
    title: `Imported task ${index}`,
    description: 'A description of a length that people write when they are in a hurry.',
    priority: 1 + (index % 5),
    labels: index % 2 ? ['bug'] : [],
    externalSource: 'long',
    externalId: String(index),
  })}\n`

async function importRows(projectId: string): Promise<number> {
  async function* rows() {
    for (let index = 0; index < imported; index += 1_000) {
      const size = Math.min(1_000, imported - index)
      yield Buffer.from(Array.from({ length: size }, (_, place) => importedRow(index + place)).join(''))
    }
  }
  const response = await fetch(`${server.url}/api/v1/tasks/import?format=ndjson&projectId=${projectId}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'application/x-ndjson' },
    body: rows() as never,
    duplex: 'half',
  } as RequestInit)
  const { created } = (await response.json()) as { created: number }
  if (created !== imported) problems.push(`imported ${created} of ${imported} rows`)
  return created
}

async function download(format: string): Promise<number> {
  let bytes = 0
  const url = `${server.url}/api/v1/tasks/export?format=${format}`
  await new Promise<void>((resolve, reject) => {
    get(url, { headers: { authorization: `Bearer ${owner.token}` } }, (response) => {
      const count = new Writable({
        write(chunk: Buffer, _encoding, done) {
          bytes += chunk.length
          done()
        },
      })
      pipeline(response, count).then(resolve, reject)
    }).on('error', reject)
  })
  return bytes
}

const [projectId = ''] = await world.projects(1)
const singleMs = await timed(async () => {
  for (let index = 0; index < SINGLE; index++)
    await world.call('POST', '/tasks', { projectId, title: `Single ${index}` })
})
const importMs = await timed(() => importRows(projectId))
const factor = singleMs / SINGLE / (importMs / imported)
console.log(`import: ${imported} rows in ${Math.round(importMs)} ms, ${factor.toFixed(1)} times single creations`)
if (factor < MIN_OF_SINGLE) problems.push(`an import is ${factor.toFixed(1)} times as fast as single creations`)

// Copies rows without triggers: only the export is measured.
await client.query(`SET session_replication_role = replica`)
await client.query(
  `INSERT INTO "Task" ("id", "projectId", "number", "key", "title", "description", "labelIds", "rank", "createdAt")
   SELECT gen_random_uuid(), "projectId", 10000000 + n, 'COPY-' || n, "title", "description", "labelIds", task_rank(10000000 + n), now() + n * interval '1 ms'
   FROM generate_series(1, $1::int) AS n JOIN (SELECT *, row_number() OVER () AS place FROM "Task" WHERE "externalId" IS NOT NULL) AS task
     ON task.place = 1 + n % $2::int`,
  [Math.max(exported - imported, 0), Math.min(imported, 1_000)],
)
await client.query('VACUUM ANALYZE "Task"')
const copy = (
  labels: string,
  assignees: string,
) => `COPY (SELECT "id", "key", "title", "description", "status", "priority",
  "startAt", "dueAt", "dueOn", "completedAt", ${labels}, ${assignees},
  (SELECT above."key" FROM "Task" AS above WHERE above."id" = "Task"."parentId"), "parentId",
  "externalSource", "externalId", "createdAt", "updatedAt" FROM "Task" WHERE "deletedAt" IS NULL ORDER BY "createdAt", "id")
  TO '/dev/null' (FORMAT csv)`
const copyNames = copy(
  `(SELECT string_agg("name", ',' ORDER BY "name") FROM "Label" WHERE "Label"."id" = ANY("Task"."labelIds"))`,
  `(SELECT string_agg("email", ',' ORDER BY "email") FROM "User" WHERE "User"."id" = ANY("Task"."assigneeIds"))`,
)
const copyIds = copy('"labelIds"', '"assigneeIds"')
// Compiling them would take longer than running them.
await client.query('SET jit TO off')
for (const format of ['csv', 'ndjson']) {
  await server.memory()
  const idle = memoryOf(server.pid)
  // Resets the peak.
  writeFileSync(`/proc/${server.pid}/clear_refs`, '5')
  let bytes = 0
  const exportMs = await timed(async () => {
    bytes = await download(format)
  })
  const copyMs = await timed(() => client.query(copyNames))
  const idsMs = await timed(() => client.query(copyIds))
  const growth = peakMemoryOf(server.pid) - idle
  const share = copyMs / exportMs
  console.log(
    `export: ${bytes} bytes of ${format} in ${Math.round(exportMs)} ms, ${share.toFixed(2)} of COPY (of ids instead of names: ${(idsMs / exportMs).toFixed(2)}), ${Math.round(growth)} MB above ${Math.round(idle)} MB`,
  )
  if (share < MIN_OF_COPY) problems.push(`${format} has ${share.toFixed(2)} of the speed of COPY`)
  if (growth > MAX_GROWTH_MB) problems.push(`${format} takes ${Math.round(growth)} MB`)
}
await client.end()
await world.close()
for (const problem of problems) console.log(problem)
console.log(problems.length === 0 ? 'ok' : 'FAILED')
process.exit(problems.length === 0 ? 0 : 1)
