// node scripts/fuzz/main.ts [requests] [seed]: see run.ts. The server runs in a process of its own, on PostgreSQL where TEST_DATABASE_URL is set.
import { randomInt, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyPostgres } from '../../test/support/database.ts'
import { startProcess } from '../load/server-process.ts'
import { fuzz } from './run.ts'

const [requests = 100_000, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number)
const database = process.env.TEST_DATABASE_URL ? await emptyPostgres() : undefined
const dataDir = await mkdtemp(join(tmpdir(), 'taskwire-fuzz-'))
const server = await startProcess({
  ...(database && { DATABASE_URL: database.url, JWT_SECRET: randomUUID() + randomUUID() }),
  DATA_DIR: dataDir,
  RATE_LIMIT: 'off',
})

async function memoryMb(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8').catch(() => '')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}

console.log(`seed ${seed}`)
await fuzz({ url: server.url, seed: seed + 1, requests: 2_000 })
const before = await memoryMb()
const started = performance.now()
const { statuses, problems, requests: sent } = await fuzz({ url: server.url, seed, requests })
const seconds = (performance.now() - started) / 1000
await new Promise((resolve) => setTimeout(resolve, 5_000))
const alive = (await fetch(`${server.url}/readyz`)).status === 200
console.log(
  JSON.stringify({
    sent,
    seconds: Math.round(seconds),
    statuses,
    problems: problems.length,
    alive,
    'MB before': before,
    'MB after': await memoryMb(),
  }),
)
for (const problem of problems) console.log(problem)
await server.stop()
await database?.drop()
await rm(dataDir, { recursive: true, force: true })
process.exitCode = problems.length === 0 && alive ? 0 : 1
