// node test/long/churn.ts [sockets] [at once]
// Opens and closes subscriptions and checks that the server retains no memory, timers or entries
// for them. Uses PostgreSQL if TEST_DATABASE_URL is set, else the embedded database. Exit code 1 on
// a leak.
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { startCrowd, websocketUrl } from '../support/crowd.ts'
import { emptyPostgres } from '../support/database.ts'

const SOCKETS = Number(process.argv[2] ?? 10_000)
const CONCURRENCY = Number(process.argv[3] ?? 1_000)
/** Allowed heap growth per socket. Any leaked object is larger. */
const MAX_BYTES_PER_SOCKET = 200

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const silent = { debug() {}, info() {}, warn: console.warn, error: console.error }
const database = process.env.TEST_DATABASE_URL === undefined ? undefined : await emptyPostgres()
const config = readConfig({
  PORT: '0',
  DATA_DIR: 'memory://',
  JWT_SECRET: randomUUID() + randomUUID(),
  RATE_LIMIT: 'off',
  WS_MAX_SOCKETS_PER_USER: '100000',
  ...(database && { DATABASE_URL: database.url }),
})
const server = await startServer(config, silent)

async function post(path: string, body: object, token?: string) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const response = await fetch(`${server.url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path} answered ${response.status} ${await response.text()}`)
  return response.json()
}

const account = { email: 'follower@example.org', password: randomUUID(), name: 'Follower' }
const { accessToken: token } = await post('/auth/register', account)
const QUERIES = [
  'subscription { taskEvents { cursor taskId task { title } } }',
  'subscription { events(types: ["task"]) { cursor taskId match } }',
  'subscription { taskEvents(filter: { status: [PENDING], search: "task" }) { cursor taskId match } }',
]

/** Opens sockets, sends them one event and closes them. */
async function wave(count: number): Promise<void> {
  const crowd = startCrowd()
  const following = QUERIES.map((query) => ({
    url: websocketUrl(server.url),
    operation: { query, variables: {} },
    token,
    count: Math.ceil(count / QUERIES.length),
  }))
  await crowd.follow(following)
  await post('/tasks', { title: 'A task' }, token)
  await wait(500)
  await crowd.close()
}

async function settle() {
  await wait(2_000)
  for (let turn = 0; turn < 3; turn++) {
    collect()
    await wait(100)
  }
  const timers = process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const { heapUsed, external } = process.memoryUsage()
  const { heap, ...counts } = { heap: heapUsed + external, timers, ...server.openCounts() }
  return { heap, counts }
}

// The first waves fill caches that stay.
await wave(CONCURRENCY)
await wave(CONCURRENCY)
const before = await settle()
for (let opened = 0; opened < SOCKETS; opened += CONCURRENCY) await wave(CONCURRENCY)
const after = await settle()

const each = (after.heap - before.heap) / SOCKETS
console.log(`before: ${JSON.stringify(before.counts)}, heap ${(before.heap / 2 ** 20).toFixed(1)} MiB`)
console.log(
  `after ${SOCKETS} sockets: ${JSON.stringify(after.counts)}, heap ${(after.heap / 2 ** 20).toFixed(1)} MiB: ${each.toFixed(0)} bytes per socket`,
)
const clean = JSON.stringify(before.counts) === JSON.stringify(after.counts) && each <= MAX_BYTES_PER_SOCKET
await server.close()
await database?.drop()
console.log(clean ? 'ok' : 'FAILED: closed subscriptions left something behind')
process.exit(clean ? 0 : 1)
