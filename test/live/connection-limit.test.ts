import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { eventStream, rest } from '../support/clients.ts'
import { freshServerForTest, signUp } from '../support/server.ts'
import { graphqlStream, openSocket } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

test('the connection limit counts sockets and streams of every kind, per user', async () => {
  const server = await freshServerForTest({ WS_MAX_SOCKETS_PER_USER: '3' })
  const [ada, bob] = [await signUp(server), await signUp(server)]
  const credential = { authorization: `Bearer ${ada.token}` }
  const socket = await openSocket(server, credential)
  const stream = await eventStream(server, '/events/stream', { token: ada.token })
  const query = 'subscription { taskEvents { taskId } }'
  await graphqlStream(server, query, { token: ada.token })

  expect((await openSocket(server, credential)).closing).toMatchObject({ code: 4429 })
  expect(await rest(server, 'GET /events/stream', { token: ada.token })).toMatchObject({
    status: 429,
    body: { code: 'RATE_LIMITED', detail: 'You already have 3 open websockets and streams. Close one first.' },
  })
  const refused = await graphqlStream(server, query, { token: ada.token })
  expect((await refused.inbox.next()).errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }])
  expect((await eventStream(server, '/events/stream', { token: bob.token })).response.status).toBe(200)

  socket.close()
  stream.cut()
  await until('two connections have closed', () => server.openCounts().streams === 2)
  for (let count = 0; count < 2; count++)
    expect((await eventStream(server, '/tasks/events', { token: ada.token })).response.status).toBe(200)
})

test('the streams of a user search for STREAM_SEARCH_LIMIT different texts, through every door', async () => {
  const server = await freshServerForTest({ STREAM_SEARCH_LIMIT: '3' })
  const [ada, bob] = [await signUp(server), await signUp(server)]
  const follow = (search: string, { token } = ada) =>
    eventStream(server, `/events/stream?search=${encodeURIComponent(search)}`, { token })
  const [tea, ...others] = [await follow('tea'), await follow('coffee'), await follow('milk')]
  expect([tea, ...others].map(({ response }) => response.status)).toEqual([200, 200, 200])
  // A text that is looked for already costs nothing more.
  expect((await follow('tea')).response.status).toBe(200)

  const refused = await follow('water')
  expect(refused.response.status).toBe(429)
  expect((await refused.response.json()).detail).toContain('more than 3 different texts (STREAM_SEARCH_LIMIT)')
  const query = 'subscription { events(filter: { or: [{ search: "water" }, { search: "tea" }] }) { type } }'
  const overGraphql = await graphqlStream(server, query, { token: ada.token })
  expect((await overGraphql.inbox.next()).errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }])
  expect((await follow('water', bob)).response.status).toBe(200)

  for (const { cut } of others) cut()
  await until('a text is free', async () => (await follow('water')).response.status === 200)
})

/** Requests a stream and disconnects before the server has authenticated it. */
function askAndLeave({ url }: { url: string }, path: string, token: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Accept: text/event-stream',
    `Authorization: Bearer ${token}`,
  ]
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${lines.join('\r\n')}\r\n\r\n`, () => setImmediate(() => socket.resetAndDestroy()))
    })
    socket.on('close', () => resolve())
  })
}

test.each([
  ['SSE', '/api/v1/events/stream'],
  ['GraphQL over SSE', `/graphql?query=${encodeURIComponent('subscription { taskEvents { taskId } }')}`],
])('a client that disconnects while its stream over %s opens frees its connection', async (_what, path) => {
  const server = await freshServerForTest({ WS_MAX_SOCKETS_PER_USER: '1' })
  const { token } = await signUp(server)
  for (let count = 0; count < 20; count++) await askAndLeave(server, path, token)
  await until('a connection is free', async () => {
    const stream = await eventStream(server, '/events/stream', { token })
    stream.cut()
    return stream.response.status === 200
  })
})
