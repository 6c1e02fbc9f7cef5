import { Agent, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { atOnce, newTask } from '../support/factories.ts'
import { type MeasuredServer, startMeasuredServer } from '../support/measured-server.ts'
import { signUp } from '../support/server.ts'

/**
 * What belongs to a request must be garbage once it is answered: if it survives collections of
 * young objects, these take ten times as long. See docs/decisions/0006-planned-execution.md.
 */

/** Requests between two collections, and how many of these. */
const [AT_ONCE, ROUNDS] = [50, 20]

const agent = new Agent({ keepAlive: true, maxSockets: 10 })
let server: MeasuredServer
let token: string
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await testDatabase()
  drop = database.drop
  const { url, dataDir } = database.options
  server = await startMeasuredServer({
    NODE_ENV: 'production',
    DATA_DIR: dataDir,
    JWT_SECRET: 'a secret for tests that is long enough',
    ...(url && { DATABASE_URL: url }),
  })
  token = (await signUp(server)).token
  await atOnce(20, () => newTask({ url: server.url, token }))
})
afterAll(async () => {
  agent.destroy()
  await server?.stop()
  await drop?.()
})

function send(path: string, body?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const sent = request(`${server.url}${path}`, { agent, method: body ? 'POST' : 'GET', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    })
    sent.on('error', reject).end(body && JSON.stringify(body))
  })
}

/** Returns the bytes per request that survive collections of young objects. */
async function survivingBytes(run: () => Promise<string>): Promise<number> {
  const burst = async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await atOnce(AT_ONCE, run)
      await server.survivors()
    }
    return server.survivors()
  }
  await burst()
  await server.memory()
  const before = await server.survivors()
  return ((await burst()) - before) / (AT_ONCE * ROUNDS)
}

const LIST = { query: '{ tasks(first: 20) { nodes { id key title description status priority dueAt createdAt } } }' }

// A page that is kept is more than 35 kB over GraphQL, and 50 kB over REST; a request that is kept
// is several kB whatever it asks for. Each connection holds its last request for a moment.
test.each([
  ['a list over GraphQL', () => send('/graphql', LIST), 20_000],
  ['a list over REST', () => send('/api/v1/tasks?limit=20'), 30_000],
  ['a request that only authenticates', () => send('/graphql', { query: '{ __typename }' }), 3_000],
])('%s leaves nothing behind', async (_name, run, limit) => {
  expect(JSON.parse(await run())).not.toHaveProperty('errors')
  expect(await survivingBytes(run)).toBeLessThan(limit)
})
