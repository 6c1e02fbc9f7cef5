/**
 * node test/long/fuzz.ts [requests] [seed]
 * Sends random valid and invalid requests (see fuzz/run.ts) and checks every answer, and that the
 * server's memory returns to normal. The server runs in its own process, on PostgreSQL if
 * TEST_DATABASE_URL is set, else on the embedded database. Exit code 1 on failure.
 */
import { randomInt, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyPostgres } from '../support/database.ts'
import { startMeasuredServer } from '../support/measured-server.ts'
import { fuzz } from './fuzz/run.ts'

/** Requests that fill the caches before memory is measured. */
const WARM_UP = 5_000
/** Pause before memory is measured at the end. */
const SETTLE_MS = 10_000
/** Allowed growth in MB: the requests also fill the database, and the bounded caches. */
const MAX_GROWTH_MB = { process: 250, heap: 40 }

const [requests = 100_000, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number)
console.log(`fuzz: ${requests} requests, seed ${seed}`)

const database = process.env.TEST_DATABASE_URL ? await emptyPostgres() : undefined
const dataDir = await mkdtemp(join(tmpdir(), 'taskwire-fuzz-'))
const server = await startMeasuredServer({
  ...(database && { DATABASE_URL: database.url, JWT_SECRET: randomUUID() + randomUUID() }),
  DATA_DIR: dataDir,
  RATE_LIMIT: 'on',
  TRUSTED_PROXIES: '1',
})

/**
 * Returns the MB in use after a garbage collection: by the process (with the embedded database)
 * and by JavaScript.
 */
async function memory(): Promise<{ process: number; heap: number }> {
  const { rss, heapUsed, external } = await server.memory()
  return { process: Math.round(rss / 2 ** 20), heap: Math.round((heapUsed + external) / 2 ** 20) }
}

const warmUp = await fuzz({ url: server.url, seed: seed + 1, requests: Math.min(WARM_UP, requests) })
const before = await memory()
const started = performance.now()
const { problems: found, ...sent } = await fuzz({ url: server.url, seed, requests })
const seconds = Math.round((performance.now() - started) / 1000)
const atEnd = await memory()
await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
const settled = await memory()
console.log(JSON.stringify({ ...sent, seconds, MB: { before, atEnd, settled } }))

const problems = [...warmUp.problems, ...found]
if ((await fetch(`${server.url}/readyz`)).status !== 200) problems.push('the server is no longer ready')
for (const kind of ['process', 'heap'] as const) {
  const growth = settled[kind] - before[kind]
  if (growth > MAX_GROWTH_MB[kind]) problems.push(`${kind} memory grew by ${growth} MB`)
}
for (const problem of problems) console.error(problem)
await server.stop()
await database?.drop()
await rm(dataDir, { recursive: true, force: true })
console.log(
  problems.length === 0
    ? 'ok: every answer as documented, memory back to normal'
    : `FAILED: ${problems.length} problems. To repeat it: node test/long/fuzz.ts ${requests} ${seed}`,
)
process.exitCode = problems.length === 0 ? 0 : 1
