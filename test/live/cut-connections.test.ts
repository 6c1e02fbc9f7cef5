import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { eventStream, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { ownServerForTest, signUp } from '../support/server.ts'
import { until } from '../support/wait.ts'

const CUTS = 5
const WRITERS = 4

// The embedded database has a single connection, which no other client can terminate.
test.skipIf(!onPostgres)('lost database connections cause neither a gap in a stream nor a 500', async () => {
  const server = await ownServerForTest()
  const { token } = await signUp(server)
  const stream = await eventStream(server, '/events/stream', { token })
  const url = new URL(server.config.DATABASE_URL ?? '')
  const name = url.pathname.slice(1)
  url.pathname = '/postgres'
  const admin = new pg.Client({ connectionString: url.href })
  await admin.connect()
  onTestFinished(() => admin.end())

  const written: string[] = []
  const statuses = new Set<number>()
  let cutting = true
  const write = async () => {
    while (cutting) {
      const { status, body } = await rest(server, 'POST /tasks', { token, body: { title: 'A task' } })
      statuses.add(status)
      if (status === 201) written.push(body.id)
    }
  }
  const writers = Array.from({ length: WRITERS }, write)
  for (let cut = 1; cut <= CUTS; cut++) {
    const goal = written.length + 20
    await until('20 more tasks are written', () => written.length >= goal)
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
  }
  cutting = false
  await Promise.all(writers)

  expect([...statuses].filter((status) => status !== 201 && status !== 503)).toEqual([])
  const received = new Set<string>()
  while (written.some((id) => !received.has(id))) {
    const event = await stream.inbox.next()
    expect(event.event).toBe('task.created')
    received.add(event.data.taskId)
  }
})
