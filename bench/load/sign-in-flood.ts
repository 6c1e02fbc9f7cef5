// node bench/load/sign-in-flood.ts [seconds] [attackers]
// Measures how much a flood of sign-ins slows down other requests. The server runs in this process,
// the load in another. Uses PostgreSQL if TEST_DATABASE_URL is set, else the embedded database.
// Exit code 1 if reads lose more than 60 % of their throughput or the event loop is delayed by 20
// ms or more (p99).
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { emptyPostgres } from '../../test/support/database.ts'

/** Number of connections that read. */
const READERS = 10
/**
 * Number of connections that sign in. The password queue takes this many; further sign-ins get 429
 * at once, which is a different kind of flood.
 */
const ATTACKERS = 100
const MAX_ATTACKERS = 400
const MAX_SECONDS = 20

interface Load {
  url: string
  token: string
  attackers: number
  ms: number
}

interface Counts {
  reads: number
  badReads: number
  signIns: Record<number, number>
}

const url = (path: string, base: string) => `${base}/api/v1${path}`

/** Sends the requests. Runs in its own process, so that it does not use the server's event loop. */
async function load({ url: base, token, attackers, ms }: Load): Promise<Counts> {
  const counts: Counts = { reads: 0, badReads: 0, signIns: {} }
  const deadline = performance.now() + ms
  const agent = new Agent({ keepAlive: true })
  const send = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    new Promise<number>((resolve, reject) => {
      const call = request(url(path, base), { agent, method, headers }, (response) => {
        response.resume()
        response.once('end', () => resolve(response.statusCode ?? 0))
      })
      call.once('error', reject).end(body)
    })
  const repeat = async (act: () => Promise<void>) => {
    while (performance.now() < deadline) await act()
  }
  const read = async () => {
    const status = await send('GET', '/me', { authorization: `Bearer ${token}` })
    if (status === 200) counts.reads++
    else counts.badReads++
  }
  const attack = async () => {
    const body = JSON.stringify({ email: `${randomUUID()}@example.org`, password: randomUUID() })
    const status = await send('POST', '/auth/sign-in', { 'content-type': 'application/json' }, body)
    counts.signIns[status] = (counts.signIns[status] ?? 0) + 1
  }
  const many = (count: number, act: () => Promise<void>) => Array.from({ length: count }, () => repeat(act))
  await Promise.all([...many(READERS, read), ...many(attackers, attack)])
  agent.destroy()
  return counts
}

async function main(): Promise<void> {
  const seconds = Math.min(Number(process.argv[2] ?? 10), MAX_SECONDS)
  const attackers = Math.min(Number(process.argv[3] ?? ATTACKERS), MAX_ATTACKERS)
  const database = process.env.TEST_DATABASE_URL ? await emptyPostgres() : undefined
  const config = readConfig({
    PORT: '0',
    DATA_DIR: 'memory://',
    JWT_SECRET: randomUUID() + randomUUID(),
    // With rate limits, a flood from one address would end after a hundred attempts; a real one
    // uses many.
    RATE_LIMIT: process.env.RATE_LIMIT ?? 'off',
    ...(database && { DATABASE_URL: database.url }),
  })
  const silent = { debug() {}, info() {}, warn() {}, error: console.error }
  const server = await startServer(config, silent)
  const account = { email: 'reader@example.org', password: randomUUID(), name: 'Reader' }
  const registered = await fetch(url('/auth/register', server.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  })
  const { accessToken: token } = (await registered.json()) as { accessToken: string }

  const measure = async (attackers: number, ms: number) => {
    const child = fork(fileURLToPath(import.meta.url), ['--load'], { stdio: 'inherit' })
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    child.send({ url: server.url, token, attackers, ms } satisfies Load)
    const [counts] = (await once(child, 'message')) as [Counts]
    delay.disable()
    await once(child, 'exit')
    const milliseconds = (nanoseconds: number) => Math.round(nanoseconds / 1e5) / 10
    return {
      'reads a second': Math.round(counts.reads / (ms / 1000)),
      'failed reads': counts.badReads,
      'sign-ins by status': counts.signIns,
      'event loop delay p50, p99, max in ms': [delay.percentile(50), delay.percentile(99), delay.max].map(milliseconds),
      p99: milliseconds(delay.percentile(99)),
      throughput: counts.reads / ms,
    }
  }

  await measure(0, 2_000)
  const { p99: _p99, throughput: before, ...quiet } = await measure(0, seconds * 1000)
  const { p99, throughput: during, ...flooded } = await measure(attackers, seconds * 1000)
  const left = Math.round((during / before) * 100) / 100
  console.log(JSON.stringify({ database: database ? 'PostgreSQL' : 'embedded', quiet, flooded, left }, null, 2))
  await server.close()
  await database?.drop()
  process.exit(p99 < 20 && left >= 0.4 ? 0 : 1)
}

if (process.argv[2] === '--load') {
  process.once('message', (message) => {
    load(message as Load).then(
      (counts) => process.send?.(counts, () => process.exit(0)),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
} else await main()
