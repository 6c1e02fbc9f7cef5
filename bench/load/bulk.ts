// node bench/load/bulk.ts [rounds]
// Compares 1,000 changes over REST in one bulk request, one by one, and on 8 connections.
// The server runs in its own process, on PostgreSQL if TEST_DATABASE_URL is set, else on
// the embedded database.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyPostgres } from '../../test/support/database.ts'
import { startMeasuredServer } from '../../test/support/measured-server.ts'

const ROUNDS = Number(process.argv[2] ?? 3)
const ITEMS = 1_000
/** Number of connections that send single requests in parallel. */
const CONCURRENCY = 8

const onPostgres = process.env.TEST_DATABASE_URL !== undefined
const database = onPostgres ? await emptyPostgres() : undefined
const dataDir = await mkdtemp(join(tmpdir(), 'taskwire-bulk-'))
const server = await startMeasuredServer({
  ...(database && { DATABASE_URL: database.url, JWT_SECRET: randomUUID() + randomUUID() }),
  DATA_DIR: dataDir,
  RATE_LIMIT: 'off',
  LOG_LEVEL: 'info',
})
const agent = new Agent({ keepAlive: true })

let token = ''
// biome-ignore lint/suspicious/noExplicitAny: the answers of several operations
function call(method: string, path: string, body: object): Promise<any> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body)
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      authorization: `Bearer ${token}`,
    }
    const sent = request(`${server.url}/api/v1${path}`, { agent, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.once('end', () => {
        const answer = Buffer.concat(chunks).toString()
        if ((response.statusCode ?? 500) < 300) resolve(answer ? JSON.parse(answer) : undefined)
        else reject(new Error(`${method} ${path} answered ${response.statusCode} ${answer}`))
      })
    })
    sent.once('error', reject).end(text)
  })
}

async function sendAll(calls: (() => Promise<unknown>)[], connections: number): Promise<void> {
  const waiting = [...calls]
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await next()
    }),
  )
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

const account = { email: `${randomUUID()}@example.org`, password: randomUUID(), name: 'Loader' }
token = (await call('POST', '/auth/register', account)).accessToken

const numbers = Array.from({ length: ITEMS }, (_, index) => index)
const input = (index: number) => ({
  title: `Task ${index} of many`,
  description: 'A description.',
  priority: 1 + (index % 5),
})
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const results: Record<string, { bulk: number[]; oneByOne: number[]; atOnce: number[] }> = {}
const note = (what: string, bulk: number, oneByOne: number, atOnce: number) => {
  const of = results[what] ?? { bulk: [], oneByOne: [], atOnce: [] }
  results[what] = of
  of.bulk.push(bulk)
  of.oneByOne.push(oneByOne)
  of.atOnce.push(atOnce)
}

async function makeMany(): Promise<string[]> {
  const { outcomes } = await call('POST', '/tasks/bulk', { items: numbers.map(input) })
  return outcomes.map((outcome: { task: { id: string } }) => outcome.task.id)
}

for (let round = 0; round < ROUNDS; round++) {
  const create = numbers.map((index) => () => call('POST', '/tasks', input(index)))
  note(
    'create',
    await timed(makeMany),
    await timed(() => sendAll(create, 1)),
    await timed(() => sendAll(create, CONCURRENCY)),
  )
  const [a, b, c] = [await makeMany(), await makeMany(), await makeMany()]
  const changes = { status: 'COMPLETED', priority: 3 }
  const update = (ids: string[]) => ids.map((id) => () => call('PATCH', `/tasks/${id}`, changes))
  note(
    'update',
    await timed(() => call('PATCH', '/tasks/bulk', { items: a.map((id) => ({ id, ...changes })) })),
    await timed(() => sendAll(update(b), 1)),
    await timed(() => sendAll(update(c), CONCURRENCY)),
  )
  const remove = (ids: string[]) => ids.map((id) => () => call('DELETE', `/tasks/${id}`, {}))
  note(
    'delete',
    await timed(() => call('POST', '/tasks/bulk-delete', { items: a.map((id) => ({ id })) })),
    await timed(() => sendAll(remove(b), 1)),
    await timed(() => sendAll(remove(c), CONCURRENCY)),
  )
}
console.log(`${onPostgres ? 'PostgreSQL' : 'embedded'}, ${ITEMS} tasks, medians of ${ROUNDS} rounds in ms`)
for (const [what, { bulk, oneByOne, atOnce }] of Object.entries(results)) {
  const [one, turn, many] = [median(bulk), median(oneByOne), median(atOnce)]
  console.log(
    `${what}: bulk ${one.toFixed(0)}; one by one ${turn.toFixed(0)} (x ${(turn / one).toFixed(1)}), ${CONCURRENCY} at once ${many.toFixed(0)} (x ${(many / one).toFixed(1)})`,
  )
}
agent.destroy()
await server.stop()
await database?.drop()
await rm(dataDir, { recursive: true, force: true })
