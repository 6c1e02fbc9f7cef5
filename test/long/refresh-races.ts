// node test/long/refresh-races.ts [rounds]
// Refreshes the same token 50 times at once through two servers on one PostgreSQL
// (TEST_DATABASE_URL). Exactly one refresh must win each round, and its session must stay alive.
import { randomUUID } from 'node:crypto'
import { emptyPostgres } from '../support/database.ts'
import { startMeasuredServer } from '../support/measured-server.ts'

const ROUNDS = Number(process.argv[2] ?? 200)
const CONCURRENCY = 50

interface Answer {
  status: number
  body: { accessToken: string; refreshToken: string }
}

async function post(url: string, path: string, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

const database = await emptyPostgres()
const settings = { DATABASE_URL: database.url, JWT_SECRET: randomUUID() + randomUUID(), RATE_LIMIT: 'off' }
const servers = [await startMeasuredServer(settings), await startMeasuredServer(settings)]
const at = (index: number) => servers[index % servers.length]?.url ?? ''

async function signIn(): Promise<string> {
  const account = { email: `${randomUUID()}@example.org`, password: randomUUID(), name: 'Racer' }
  return (await post(at(0), '/auth/register', account)).body.refreshToken
}

let refreshToken = await signIn()
const winners: Record<number, number> = {}
let rejected = 0
const took: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  const started = performance.now()
  const answers = await Promise.all(
    Array.from({ length: CONCURRENCY }, (_, index) => post(at(index), '/auth/refresh', { refreshToken })),
  )
  took.push(performance.now() - started)
  const won = answers.filter(({ status }) => status === 200)
  winners[won.length] = (winners[won.length] ?? 0) + 1
  const headers = { authorization: `Bearer ${won[0]?.body.accessToken}` }
  const alive = (await fetch(`${at(round)}/api/v1/me`, { headers })).status === 200
  if (!alive) rejected++
  // The next round refreshes with the winner's token.
  refreshToken = alive ? (won[0]?.body.refreshToken ?? '') : await signIn()
}
const last = (await post(at(0), '/auth/refresh', { refreshToken })).status
took.sort((a, b) => a - b)
console.log(
  JSON.stringify({
    rounds: ROUNDS,
    atOnce: CONCURRENCY,
    'rounds by number of successful refreshes': winners,
    'rounds whose winner was rejected afterwards': rejected,
    'last refresh': last,
    'median round in ms': Math.round(took[took.length >> 1] ?? 0),
    'slowest round in ms': Math.round(took.at(-1) ?? 0),
  }),
)
for (const server of servers) await server.stop()
await database.drop()
process.exitCode = rejected === 0 && winners[1] === ROUNDS && last === 200 ? 0 : 1
