import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyPostgres } from '../../support/database.ts'
import { type MeasuredServer, startMeasuredServer } from '../../support/measured-server.ts'
import { PATHS } from './draw.ts'
import { type HostileReport, sendHostile } from './run.ts'

/** Requests before measuring, which fill caches. */
const WARM_UP = 150
/** Allowed growth of what JavaScript keeps, in MB. */
const MAX_GROWTH_MB = 15

/** Runs hostile requests against a server of their own, and checks it afterwards. */
export async function hostileTrial({
  requests,
  seed,
}: {
  requests: number
  seed: number
}): Promise<HostileReport & { heapMB: { before: number; after: number } }> {
  const database = process.env.TEST_DATABASE_URL ? await emptyPostgres() : undefined
  const dataDir = await mkdtemp(join(tmpdir(), 'taskwire-hostile-'))
  const server = await startMeasuredServer({
    ...(database && { DATABASE_URL: database.url, JWT_SECRET: randomUUID() + randomUUID() }),
    DATA_DIR: dataDir,
    RATE_LIMIT: 'off',
    LOG_LEVEL: 'info',
  })
  try {
    const token = await register(server)
    await loadPages(server)
    const warmUp = await sendHostile(server, { seed: seed + 1, requests: Math.min(WARM_UP, requests), token })
    const before = await heapMB(server)
    const report = await sendHostile(server, { seed, requests, token })
    const after = await heapMB(server)
    const problems = [...warmUp.problems.filter((problem) => !problem.includes('of CPU')), ...report.problems]
    for (const line of server.errors()) problems.push(`logged as an error: ${line}`)
    if (after - before > MAX_GROWTH_MB) problems.push(`memory grew from ${before} MB to ${after} MB`)
    if ((await fetch(`${server.url}/readyz`)).status !== 200) problems.push('the server is no longer ready')
    return { ...report, problems, heapMB: { before, after } }
  } finally {
    await server.stop()
    await database?.drop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** Requests everything that is loaded and compressed when it is first asked for. */
async function loadPages({ url }: MeasuredServer): Promise<void> {
  for (const path of PATHS) {
    for (const encoding of ['br', 'gzip', 'zstd', 'identity']) {
      const response = await fetch(`${url}${path}`, { headers: { 'accept-encoding': encoding } })
      await response.arrayBuffer()
    }
  }
}

async function register({ url }: MeasuredServer): Promise<string> {
  const response = await fetch(`${url}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.org', password: 'a password that is long enough', name: 'Ada' }),
  })
  return ((await response.json()) as { accessToken: string }).accessToken
}

async function heapMB(server: MeasuredServer): Promise<number> {
  const { heapUsed, external } = await server.memory()
  return Math.round((heapUsed + external) / 2 ** 20)
}
