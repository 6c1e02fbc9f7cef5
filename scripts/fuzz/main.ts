// node scripts/fuzz/main.ts [requests] [seed]: see run.ts. The server runs in a process of its own, on PostgreSQL where TEST_DATABASE_URL is set.
import { randomInt, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyPostgres } from '../../test/support/database.ts'
import { startProcess } from '../load/server-process.ts'
import { fuzz } from './run.ts'

/** Fills the caches, each of which has its bound. */
const WARM_UP = 5_000
const REST_MS = 10_000
/** What a rested server may hold beyond what it held before: things fill its database, and its caches go on filling. */
const MOST_GROWN_MB = { process: 250, heap: 40 }

const [requests = 100_000, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number)
const database = process.env.TEST_DATABASE_URL ? await emptyPostgres() : undefined
const dataDir = await mkdtemp(join(tmpdir(), 'taskwire-fuzz-'))
const server = await startProcess({
  ...(database && { DATABASE_URL: database.url, JWT_SECRET: randomUUID() + randomUUID() }),
  DATA_DIR: dataDir,
  RATE_LIMIT: 'off',
})

/** Of the process, the embedded database included, and of JavaScript's own things; in MB, once the garbage is collected. */
async function memory(): Promise<{ process: number; heap: number }> {
  const { rss, heapUsed, external } = await server.memory()
  return { process: Math.round(rss / 2 ** 20), heap: Math.round((heapUsed + external) / 2 ** 20) }
}

console.log(`seed ${seed}`)
const warmUp = await fuzz({ url: server.url, seed: seed + 1, requests: WARM_UP })
const before = await memory()
const started = performance.now()
const { problems: found, ...sent } = await fuzz({ url: server.url, seed, requests })
const problems = [...warmUp.problems, ...found]
const seconds = Math.round((performance.now() - started) / 1000)
const atEnd = await memory()
await new Promise((resolve) => setTimeout(resolve, REST_MS))
const rested = await memory()
const alive = (await fetch(`${server.url}/readyz`)).status === 200
const grown = { process: rested.process - before.process, heap: rested.heap - before.heap }
const backToNormal = grown.process <= MOST_GROWN_MB.process && grown.heap <= MOST_GROWN_MB.heap
const verdict = { alive, backToNormal, problems: problems.length }
console.log(JSON.stringify({ ...sent, seconds, MB: { before, atEnd, rested }, verdict }))
for (const problem of problems) console.log(problem)
await server.stop()
await database?.drop()
await rm(dataDir, { recursive: true, force: true })
process.exitCode = problems.length === 0 && alive && backToNormal ? 0 : 1
