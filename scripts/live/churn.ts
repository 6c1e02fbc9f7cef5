// node scripts/live/churn.ts [sockets] [at once]: what subscriptions that were opened and closed leave behind in the server. On PostgreSQL
// where TEST_DATABASE_URL is set, else on the embedded database.
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { readConfig } from '../../src/config.ts'
import { startServer } from '../../src/server.ts'
import { emptyPostgres } from '../../test/support/database.ts'
import { startCrowd, websocketUrl } from './crowd.ts'

const SOCKETS = Number(process.argv[2] ?? 10_000)
const AT_ONCE = Number(process.argv[3] ?? 1_000)
/** A socket that leaves anything behind leaves more than this. */
const MOST_BYTES_EACH = 200

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

/** Opens and closes sockets, with an event while they are open. */
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

async function rest() {
  await wait(2_000)
  for (let turn = 0; turn < 3; turn++) {
    collect()
    await wait(100)
  }
  const timers = process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const { heapUsed, external } = process.memoryUsage()
  const { heap, ...counts } = { heap: heapUsed + external, timers, ...server.held() }
  return { heap, counts }
}

// What is made at the first use stays.
await wave(AT_ONCE)
await wave(AT_ONCE)
const before = await rest()
for (let opened = 0; opened < SOCKETS; opened += AT_ONCE) await wave(AT_ONCE)
const after = await rest()

const each = (after.heap - before.heap) / SOCKETS
console.log(`before: ${JSON.stringify(before.counts)}, heap ${(before.heap / 2 ** 20).toFixed(1)} MiB`)
console.log(
  `after ${SOCKETS} sockets: ${JSON.stringify(after.counts)}, heap ${(after.heap / 2 ** 20).toFixed(1)} MiB: ${each.toFixed(0)} bytes a socket`,
)
const clean = JSON.stringify(before.counts) === JSON.stringify(after.counts) && each <= MOST_BYTES_EACH
await server.close()
await database?.drop()
console.log(clean ? 'ok' : 'something was left behind')
process.exit(clean ? 0 : 1)
