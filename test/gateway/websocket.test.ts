import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { type GraphqlAnswer, Inbox, rest, subscribe, websocketClient } from '../support/clients.ts'
import { freshServerForTest, sharedServer, signUp, type TestServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const EVENTS = 'subscription { taskEvents { type task { title } } }'
const ALLOWED = 'https://board.example.org'

/** The server of all tests that need no settings of their own and do not stop it. */
let server: TestServer

beforeAll(async () => {
  server = await sharedServer()
  // The first account is the ADMIN, who sees the tasks of every test.
})

interface Message {
  type: string
  id?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
  payload?: any
}

/** Opens a bare socket, on which the test speaks graphql-transport-ws itself. */
async function openSocket(server: TestServer, options: WebSocket.ClientOptions = {}) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', options)
  onTestFinished(() => socket.terminate())
  const inbox = new Inbox<Message>()
  socket.on('message', (data) => inbox.push(JSON.parse(String(data))))
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: code as number, reason: String(reason) }))
  await once(socket, 'open')
  const send = (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  return {
    socket,
    inbox,
    closed,
    send,
    start: (id: string, query: string) => send({ id, type: 'subscribe', payload: { query } }),
  }
}

/** Opens a bare socket and completes `connection_init`. */
async function openSession(server: TestServer, token?: string) {
  const session = await openSocket(server)
  session.send({ type: 'connection_init', payload: token ? { authorization: `Bearer ${token}` } : {} })
  expect(await session.inbox.next()).toEqual({ type: 'connection_ack' })
  return session
}

/** Returns the status of a websocket handshake. */
function handshake(
  server: TestServer,
  headers: Record<string, string>,
  path = '/graphql',
): Promise<number | undefined> {
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.from('0123456789abcdef').toString('base64'),
    'sec-websocket-protocol': 'graphql-transport-ws',
  }
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}${path}`, { headers: { ...upgrade, ...headers } })
    request.on('error', reject)
    request.on('response', (response) => resolve(response.statusCode))
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode)
    })
    request.end()
  })
}

const isAlive = async (server: TestServer) => expect((await fetch(`${server.url}/readyz`)).status).toBe(200)

test('queries, mutations and subscriptions run over one socket', async () => {
  const { token } = await signUp(server, 'Ada')
  const client = websocketClient(server, token)
  const run = async (query: string, variables = {}) => (await subscribe(client, query, variables).inbox.next()).data
  expect(await run('{ me { name } }')).toEqual({ me: { name: 'Ada' } })
  const { inbox, stop } = subscribe(client, EVENTS)
  const create = 'mutation ($t: String!) { createTask(input: {title: $t}) { title } }'
  await until('the subscription is open', async () => {
    expect(await run(create, { t: 'Over a socket' })).toEqual({ createTask: { title: 'Over a socket' } })
    return inbox.size > 0
  })
  const event = { type: 'task.created', task: { title: 'Over a socket' } }
  expect((await inbox.next()).data).toEqual({ taskEvents: event })
  stop()
})

test('a bad variable, an unknown field and a bad cursor are refused with the codes and issues of HTTP', async () => {
  const client = websocketClient(server, (await signUp(server)).token)
  const errorOf = async (query: string, variables = {}) => {
    const answer = await subscribe(client, query, variables)
      .inbox.next()
      .catch((errors: unknown) => ({ errors }))
    return (answer as GraphqlAnswer).errors?.[0]?.extensions
  }
  const create = 'mutation ($input: CreateTaskInput!) { createTask(input: $input) { id } }'
  expect(await errorOf(create, { input: { title: 'A', priority: 'high' } })).toMatchObject({
    code: 'VALIDATION_FAILED',
    issues: [{ path: ['input', 'priority'] }],
  })
  expect(await errorOf(create, { input: { title: '' } })).toMatchObject({ issues: [{ path: ['input', 'title'] }] })
  expect(await errorOf('{ colour }')).toMatchObject({ code: 'BAD_REQUEST' })
  expect(await errorOf('{ me {')).toMatchObject({ code: 'BAD_REQUEST' })
  const follow = 'subscription ($after: String) { taskEvents(after: $after) { type } }'
  expect(await errorOf(follow, { after: 'made-up' })).toMatchObject({ code: 'VALIDATION_FAILED' })
})

test('without a credential, operations that need one are UNAUTHENTICATED, and the socket stays open', async () => {
  const session = await openSession(server)
  session.start('1', '{ me { id } }')
  expect(await session.inbox.next()).toMatchObject({
    id: '1',
    type: 'next',
    payload: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
  })
  expect(await session.inbox.next()).toEqual({ id: '1', type: 'complete' })
  session.start('2', EVENTS)
  expect(JSON.stringify(await session.inbox.next())).toContain('UNAUTHENTICATED')
  session.start('3', '{ __typename }')
  await until('the third is answered', async () => JSON.stringify(await session.inbox.next()).includes('"Query"'))
  await isAlive(server)
})

test('an invalid credential closes the socket with 4403 and the reason, before it is acknowledged', async () => {
  const [gone, expired] = [await signUp(server), await signUp(server)]
  await rest(server, 'POST /auth/sign-out', { token: gone.token })
  const past = new Date(Date.now() - 1_000)
  const body = { name: 'Brief', scopes: ['tasks:read'] }
  const key = (await rest(server, 'POST /api-keys', { token: expired.token, body })).body
  await server.db.apiKey.update({ where: { id: key.id }, data: { expiresAt: past } })
  const credentials = [
    { authorization: 'Bearer garbage' },
    { authorization: `Bearer ${gone.token}` },
    { apiKey: key.secret },
  ]
  for (const payload of credentials) {
    const session = await openSocket(server)
    session.send({ type: 'connection_init', payload })
    const { code, reason } = await session.closed
    expect({ code, reason }).toEqual({ code: 4403, reason: expect.stringMatching(/\w{3}/) })
    expect(session.inbox.size, 'nothing was said before').toBe(0)
  }
  await isAlive(server)
})

test('an Authorization header of the handshake applies if connection_init has no credential', async () => {
  const { token, id } = await signUp(server)
  const session = await openSocket(server, { headers: { authorization: `Bearer ${token}` } })
  session.send({ type: 'connection_init' })
  await session.inbox.next()
  session.start('1', '{ me { id } }')
  expect((await session.inbox.next()).payload).toEqual({ data: { me: { id } } })
})

test('a page on a foreign origin is refused with 403; an allowed origin, our own and no origin are not', async () => {
  const server = await freshServerForTest({ CORS_ORIGINS: ALLOWED })
  expect(await handshake(server, { origin: 'https://evil.example.org' })).toBe(403)
  expect(await handshake(server, { origin: `${ALLOWED}.evil.example.org` })).toBe(403)
  expect(await handshake(server, { origin: 'null' })).toBe(403)
  expect(await handshake(server, { origin: ALLOWED })).toBe(101)
  expect(await handshake(server, { origin: server.url })).toBe(101)
  expect(await handshake(server, {})).toBe(101)
  expect(await handshake(server, {}, '/api/v1/me')).toBe(404)
  await isAlive(server)
})

test('a message above the limit closes its socket with 1009, and no other socket', async () => {
  const server = await freshServerForTest({ BODY_LIMIT: '2048' })
  const [other, session] = [await openSession(server), await openSession(server)]
  session.start('1', `{ __typename } # ${'x'.repeat(3000)}`)
  expect((await session.closed).code).toBe(1009)
  other.start('1', '{ __typename }')
  expect((await other.inbox.next()).payload).toEqual({ data: { __typename: 'Query' } })
  await isAlive(server)
})

test('operations above the limit of a socket are refused one by one, and the others continue', async () => {
  const server = await freshServerForTest({ WS_MAX_OPERATIONS_PER_SOCKET: '3' })
  const { token } = await signUp(server)
  const session = await openSession(server, token)
  for (const id of ['1', '2', '3', '4', '5']) session.start(id, EVENTS)
  const refused = [await session.inbox.next(), await session.inbox.next()]
  for (const message of refused) {
    expect(message).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'RATE_LIMITED' } }] })
  }
  expect(refused.map((message) => message.id).sort()).toEqual(['4', '5'])
  session.send({ id: '1', type: 'complete' })
  session.start('6', '{ __typename }')
  expect(await session.inbox.next()).toMatchObject({ id: '6', type: 'next' })
  expect(await session.inbox.next()).toEqual({ id: '6', type: 'complete' })
  await until('both streams that are left have seen a task', async () => {
    await rest(server, 'POST /tasks', { token, body: { title: 'A' } })
    return session.inbox.size >= 2
  })
})

test.each<[string, unknown, number]>([
  ['no JSON', 'nonsense', 4400],
  ['JSON of no message', { hello: 'there' }, 4400],
  ['a message of an unknown type', { type: 'start', id: '1' }, 4400],
  ['an operation without a query', { type: 'subscribe', id: '1', payload: {} }, 4400],
  [
    'an operation with variables that are no object',
    { type: 'subscribe', id: '1', payload: { query: '{ __typename }', variables: [] } },
    4400,
  ],
  ['a second connection_init', { type: 'connection_init' }, 4429],
])('%s closes the socket and leaves the server running', async (_what, message, code) => {
  const session = await openSession(server)
  session.send(message)
  expect((await session.closed).code).toBe(code)
  await isAlive(server)
  expect(server.log.lines.filter((line) => line.level === 'error')).toEqual([])
})

test('an operation before connection_init closes the socket with 4401, a second one of the same id with 4409', async () => {
  const early = await openSocket(server)
  early.start('1', '{ __typename }')
  expect((await early.closed).code).toBe(4401)
  const { token } = await signUp(server)
  const double = await openSession(server, token)
  double.start('1', EVENTS)
  double.start('1', EVENTS)
  expect((await double.closed).code).toBe(4409)
})

test('a socket above the connection limit is closed with 4429 and ignored, until another one closes', async () => {
  const server = await freshServerForTest({ WS_MAX_SOCKETS_PER_USER: '1' })
  const { token } = await signUp(server)
  const init = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } }
  const first = await openSession(server, token)
  const deaf = await openSocket(server)
  // It reads nothing, so it does not notice the refusal.
  deaf.socket.pause()
  deaf.send(init)
  for (let count = 0; count < 2; count++) {
    const refused = await openSocket(server)
    refused.send(init)
    expect(await refused.closed).toEqual({
      code: 4429,
      reason: 'You already have 1 open websockets and streams. Close one first.',
    })
  }
  deaf.start('1', 'mutation { createTask(input: {title: "Unheard"}) { id } }')
  deaf.socket.resume()
  expect((await deaf.closed).code).toBe(4429)
  expect((await rest(server, 'GET /tasks', { token })).body.nodes).toEqual([])
  first.socket.close()
  await until('a connection is free', async () => {
    const next = await openSocket(server)
    next.send(init)
    return (
      (await Promise.race([next.inbox.next(), next.closed.then(() => ({ type: 'closed' }))])).type === 'connection_ack'
    )
  })
})

test('a stopping server closes its sockets with 1001', async () => {
  const server = await freshServerForTest()
  const { token } = await signUp(server)
  const session = await openSession(server, token)
  session.start('1', EVENTS)
  session.start('2', '{ __typename }')
  await session.inbox.next()
  await server.close()
  expect((await session.closed).code).toBe(1001)
})

test('unsubscribing ends one subscription and no other', async () => {
  const { token } = await signUp(server)
  const session = await openSession(server, token)
  const ids: (string | undefined)[] = []
  const readUntil = (id: string) =>
    until(`there is a message for ${id}`, async () => ids[ids.push((await session.inbox.next()).id) - 1] === id)
  session.start('stays', EVENTS)
  session.start('goes', EVENTS)
  await until('both are open', async () => {
    await rest(server, 'POST /tasks', { token, body: { title: 'A' } })
    return session.inbox.size >= 4
  })
  session.send({ id: 'goes', type: 'complete' })
  session.start('query', '{ __typename }')
  await readUntil('query')
  ids.length = 0
  await rest(server, 'POST /tasks', { token, body: { title: 'B' } })
  await readUntil('stays')
  session.start('last', '{ __typename }')
  await readUntil('last')
  expect(ids).not.toContain('goes')
})

test('each message of a flood takes a turn of the event loop, so that others get theirs', async () => {
  const { token } = await signUp(server)
  const { socket } = await openSession(server, token)
  let pongs = 0
  socket.on('message', (data) => {
    if (String(data).includes('"pong"')) pongs++
  })
  let turns = 0
  const count = () => {
    turns++
    if (pongs < 1_000) setImmediate(count)
  }
  for (let sent = 0; sent < 1_000; sent++) socket.send('{"type":"ping"}')
  count()
  await until('all are answered', () => pongs === 1_000)
  expect(turns).toBeGreaterThan(900)
})
