import { expect, onTestFinished, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { onPostgres, testDatabase, urlSettings } from '../support/database.ts'
import { failingServer, serverProcess } from '../support/process.ts'
import { signUp } from '../support/server.ts'

const WRITERS = 8
const ROUNDS = 3
const PER_ROUND = 60

/** Returns the settings of a server on a fresh database, dropped at the end of the test. */
async function freshSettings(): Promise<Record<string, string>> {
  const { options, drop } = await testDatabase()
  onTestFinished(drop)
  return {
    DATA_DIR: options.dataDir,
    JWT_SECRET: 'a secret for tests that is long enough',
    ...urlSettings(options),
  }
}

test('a server killed with SIGKILL keeps every acknowledged task and its event', async () => {
  const settings = await freshSettings()
  let server = await serverProcess(settings)
  const { token } = await signUp(server)
  const acknowledged: string[] = []
  let attempted = 0

  for (let round = 1; round <= ROUNDS; round++) {
    const goal = acknowledged.length + PER_ROUND
    const killed = { now: false }
    const write = async () => {
      while (!killed.now) {
        attempted++
        const answer = await rest(server, 'POST /tasks', { token, body: { title: `task ${attempted}` } }).catch(
          () => undefined,
        )
        if (answer?.status === 201) acknowledged.push(answer.body.id)
        else if (!killed.now) throw new Error(`write failed: ${answer?.status} ${answer?.text}`)
        if (acknowledged.length >= goal && !killed.now) {
          killed.now = true
          await server.kill('SIGKILL')
        }
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, write))
    server = await serverProcess(settings)
  }

  const tasks = await readAll(server, '/tasks', token)
  const ids = new Set(tasks.map((task) => task.id))
  expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
  const events = await readAll(server, '/events', token)
  const created = events.filter((event) => event.type === 'task.created').map((event) => event.taskId)
  expect(created.sort()).toEqual([...ids].sort())
  expect(tasks.length).toBeLessThanOrEqual(attempted)
  expect((await readAll(server, '/events', token, events[0].cursor)).length).toBe(events.length - 1)
}, 120_000)

test.skipIf(onPostgres)(
  'a second server on the same data folder exits with a message that says what to do',
  async () => {
    const settings = await freshSettings()
    const first = await serverProcess(settings)
    const second = await failingServer(settings)
    expect(second.code).toBe(1)
    expect(second.output).toContain(`${settings.DATA_DIR} is in use by another Taskwire server`)
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
  },
)

test.skipIf(onPostgres)('a server keeps its generated JWT secret across restarts', async () => {
  const { JWT_SECRET: _, ...settings } = await freshSettings()
  const first = await serverProcess(settings)
  const { token } = await signUp(first)
  await first.kill('SIGTERM')
  const second = await serverProcess(settings)
  expect((await rest(second, 'GET /me', { token })).status).toBe(200)
})

test('an invalid configuration is rejected with all its problems at once', async () => {
  const { code, output } = await failingServer({ DATABASE_URL: 'mysql://x', PORT: '99999', JWT_SECRET: 'short' })
  expect(code).toBe(1)
  for (const name of ['DATABASE_URL', 'PORT', 'JWT_SECRET']) expect(output).toContain(`${name}: `)
})

// biome-ignore lint/suspicious/noExplicitAny: what is read is the caller's to know
async function readAll(server: { url: string }, path: string, token: string, after = ''): Promise<any[]> {
  const nodes = []
  for (let cursor = after; ; ) {
    const { body } = await rest(server, `GET ${path}?limit=100${cursor && `&after=${cursor}`}`, { token })
    nodes.push(...body.nodes)
    if (!body.pageInfo.hasNextPage) return nodes
    cursor = body.pageInfo.endCursor
  }
}
