import { expect, test } from 'vitest'
import { eventStream, graphql, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { type ProxiedServer, proxiedServerForTest } from '../support/proxied-server.ts'
import { signUp, type TestUser } from '../support/server.ts'
import { openSocket } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

// The embedded database is reached over a local socket, which cannot go silent.
const onNetwork = test.skipIf(!onPostgres)

const SETTINGS = { DATABASE_SILENCE_TIMEOUT: '600' }
/** More than twice the silence limit, for a busy machine. Without the limit, none answers in time. */
const SOON_MS = 5_000

/** Sends one request through each door. Returns the statuses, codes and Retry-After headers. */
function everyDoor(server: ProxiedServer, { token, email, password }: TestUser) {
  const viaRest = async (call: string, body?: object) => {
    const { status, headers } = await rest(server, call, { token, ...(body && { body }) })
    return `${status} ${headers.get('retry-after')}`
  }
  const viaGraphql = async (accept: string, method: 'GET' | 'POST') => {
    const query = '{ me { name } tasks { nodes { id } } }'
    const response = await fetch(
      `${server.url}/graphql${method === 'GET' ? `?query=${encodeURIComponent(query)}` : ''}`,
      {
        method,
        headers: { accept, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: method === 'POST' ? JSON.stringify({ query }) : null,
      },
    )
    expect(await response.text()).toContain('UNAVAILABLE')
    return `${response.status} ${response.headers.get('retry-after')}`
  }
  return Promise.all([
    viaRest('GET /tasks'),
    viaRest('POST /tasks', { title: 'A task' }),
    viaRest('POST /auth/sign-in', { email, password }),
    viaRest('GET /events/stream?after=ZXZlbnQ6MA'),
    viaGraphql('application/json', 'POST'),
    viaGraphql('application/json', 'GET'),
    viaGraphql('application/graphql-response+json', 'POST'),
    viaGraphql('application/graphql-response+json', 'GET'),
  ])
}

onNetwork('a database that goes silent means 503 through every door, and recovers by itself', async () => {
  const server = await proxiedServerForTest(SETTINGS)
  const user = await signUp(server)
  const { token, email, password } = user
  const create = (title: string) => rest(server, 'POST /tasks', { token, body: { title } })
  await Promise.all(Array.from({ length: 20 }, () => create('Fills the pool')))
  const stream = await eventStream(server, '/tasks/events', { token })
  const socket = await openSocket(server, { authorization: `Bearer ${token}` })
  await create('Shows that the stream is live')
  await stream.inbox.next()

  server.proxy.loseEverything()
  const began = performance.now()
  expect(await everyDoor(server, user)).toEqual(Array(8).fill('503 1'))
  // A websocket whose caller cannot be authenticated now is closed with "try again later".
  const overSocket = await socket.ask('{ me { name } }').then(
    ({ errors }) => errors?.[0]?.extensions.code,
    () => socket.closing?.code,
  )
  expect(['UNAVAILABLE', 1013]).toContain(overSocket)
  expect(performance.now() - began).toBeLessThan(SOON_MS)
  await until('the server is not ready', async () => (await fetch(`${server.url}/readyz`)).status === 503)
  // A right password during the outage is no failed attempt.
  for (let attempt = 0; attempt < 12; attempt++) {
    expect((await rest(server, 'POST /auth/sign-in', { body: { email, password } })).status).toBe(503)
  }

  server.proxy.restore()
  await until('the server is ready', async () => (await fetch(`${server.url}/readyz`)).ok, SOON_MS)
  expect((await rest(server, 'POST /auth/sign-in', { body: { email, password } })).status).toBe(200)
  const { body: task } = await create('Afterwards')
  for (let id = ''; id !== task.id; ) id = (await stream.inbox.next()).data.taskId
})

onNetwork('connections that die one by one are replaced, while the others work on', async () => {
  const server = await proxiedServerForTest(SETTINGS)
  const { token } = await signUp(server)
  const list = () => rest(server, 'GET /tasks', { token })
  await Promise.all(Array.from({ length: 20 }, () => rest(server, 'POST /tasks', { token, body: { title: 'A task' } })))
  // The second connection is that of the monitor.
  server.proxy.loseConnections((index) => index !== 1)
  await until('every list works again', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, list))
    return answers.every(({ status }) => status === 200)
  })
  expect(server.log.lines.filter(({ message }) => message.includes('closing all connections'))).toEqual([])
})

onNetwork('a slow statement is no dead connection', async () => {
  const server = await proxiedServerForTest(SETTINGS)
  const rows = await server.db.$queryRaw`SELECT pg_sleep(3)::text, 'awake' AS state`
  expect(rows).toMatchObject([{ state: 'awake' }])
})

onNetwork('a round trip shorter than DATABASE_SILENCE_TIMEOUT is slow, a longer one silent', async () => {
  const server = await proxiedServerForTest({ DATABASE_SILENCE_TIMEOUT: '1500' })
  const { token } = await signUp(server)
  server.proxy.delay(200)
  expect((await graphql(server, '{ tasks { totalCount } }', {}, { token })).data.tasks.totalCount).toBe(0)
  server.proxy.delay(2_000)
  await until('the server is not ready', async () => (await fetch(`${server.url}/readyz`)).status === 503)
  expect((await rest(server, 'GET /tasks', { token })).status).toBe(503)
})
