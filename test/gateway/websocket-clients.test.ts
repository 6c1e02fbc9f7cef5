import { once } from 'node:events'
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { Inbox, rest } from '../support/clients.ts'
import { freshServerForTest, sharedServer, signUp, type TestServer, type TestUser } from '../support/server.ts'
import { until } from '../support/wait.ts'

/** What other clients send than our own documentation says, and sockets on which nobody signs in. */

let server: TestServer
let user: TestUser
let key: string

beforeAll(async () => {
  server = await sharedServer()
  user = await signUp(server)
  const body = { name: 'Key', scopes: ['tasks:read', 'projects:read'] }
  key = (await rest(server, 'POST /api-keys', { token: user.token, body })).body.secret
})
afterEach(() => {
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})

interface Message {
  type: string
  id?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
  payload?: any
}

async function connect(at: TestServer, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${at.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
  onTestFinished(() => socket.terminate())
  const inbox = new Inbox<Message>()
  socket.on('message', (data) => inbox.push(JSON.parse(String(data))))
  await once(socket, 'open')
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: code as number, reason: String(reason) }))
  const send = (message: unknown) => socket.send(JSON.stringify(message))
  return { socket, inbox, closed, send }
}

/** Sends connection_init and returns the id of the viewer, null if nobody is signed in, or the close. */
async function initialise(payload: unknown) {
  const { inbox, closed, send, socket } = await connect(server)
  send({ type: 'connection_init', payload })
  const first = await Promise.race([inbox.next(), closed])
  if ('code' in first) return first
  expect(first).toEqual({ type: 'connection_ack' })
  send({ id: '1', type: 'subscribe', payload: { query: '{ me { id } }' } })
  const { payload: answer } = await inbox.next()
  socket.close()
  return answer.data?.me?.id ?? answer.errors[0].extensions.code
}

describe('connection_init', () => {
  const spellings: [string, (token: string) => unknown][] = [
    ['authorization', (token) => ({ authorization: `Bearer ${token}` })],
    ['Authorization', (token) => ({ Authorization: `Bearer ${token}` })],
    ['AUTHORIZATION', (token) => ({ AUTHORIZATION: `bearer ${token}` })],
    ['headers.authorization', (token) => ({ headers: { authorization: `Bearer ${token}` } })],
    ['headers.Authorization', (token) => ({ headers: { Authorization: `Bearer ${token}`, 'X-Other': 'x' } })],
    ['authToken', (token) => ({ authToken: token })],
    ['authToken with the scheme', (token) => ({ authToken: `Bearer ${token}` })],
    ['accessToken', (token) => ({ accessToken: token })],
    ['token', (token) => ({ token })],
    ['access_token', (token) => ({ access_token: token })],
    ['Authorization beside other values', (token) => ({ Authorization: `Bearer ${token}`, locale: 'en' })],
  ]

  test.each(spellings)('accepts an access token or an API key as %s', async (_name, payload) => {
    expect(await initialise(payload(user.token))).toBe(user.id)
    expect(await initialise(payload(key))).toBe(user.id)
  })

  test.each(['apiKey', 'X-API-Key', 'x-api-key', 'api_key'])('accepts an API key as %s', async (name) => {
    expect(await initialise({ [name]: key })).toBe(user.id)
    expect(await initialise({ headers: { [name]: key } })).toBe(user.id)
  })

  test.each([
    undefined,
    null,
    {},
    { authorization: null },
    { authToken: null, headers: {} },
    { headers: { authorization: null } },
  ])('without a value is of nobody: %o', async (payload) => {
    expect(await initialise(payload)).toBe('UNAUTHENTICATED')
  })

  test.each([
    { user: 'ada', password: 'secret' },
    { Cookie: 'session=1' },
    { headers: { 'x-hasura-admin-secret': 'x' } },
    { headers: 'authorization: Bearer x' },
    { authorization: 5 },
    { authToken: { value: 'x' } },
    { apiKey: ['x'] },
    { connectionParams: { authorization: 'Bearer x' } },
  ])('of an unknown shape is refused with 4400 and says what is expected: %o', async (payload) => {
    const closing = await initialise(payload)
    expect(closing).toEqual({
      code: 4400,
      reason: 'Expected {"authorization": "Bearer …"} or {"apiKey": "…"} in connection_init.',
    })
  })

  test.each(['x', 5, true, []])('that is no object is refused with 4400: %o', async (payload) => {
    expect(await initialise(payload)).toMatchObject({ code: 4400 })
  })

  test('with two different credentials is refused with 4403, and twice the same is one', async () => {
    const other = (await signUp(server)).token
    const authorization = `Bearer ${user.token}`
    expect(await initialise({ authorization, authToken: user.token })).toBe(user.id)
    for (const payload of [
      { authorization, authToken: other },
      { token: other, headers: { Authorization: authorization } },
      { authorization, apiKey: key },
    ])
      expect(await initialise(payload)).toMatchObject({ code: 4403 })
  })

  test.each([
    { authToken: 'nonsense' },
    { token: '' },
    { Authorization: 'Basic x' },
    { headers: { authorization: '' } },
  ])('with a credential that is invalid is refused with 4403: %o', async (payload) => {
    expect(await initialise(payload)).toMatchObject({ code: 4403 })
  })
})

describe.each([false, true])('after connection_init: %s', (initialised) => {
  test.each<Message>([
    { type: 'next', id: '1', payload: { data: {} } },
    { type: 'error', id: '1', payload: [{ message: 'x' }] },
    { type: 'connection_ack' },
    { type: 'connection_ack', payload: {} },
    { type: 'next', id: '1', payload: 5 },
    { type: 'error', id: '', payload: [] },
    { type: 'subscribe', id: '1', payload: { query: 5 } },
    { type: 'complete' },
    { type: 'nonsense' },
  ])('a message that no client may send closes the socket with 4400, and nothing is logged: %o', async (message) => {
    const { inbox, closed, send } = await connect(server)
    if (initialised) {
      send({ type: 'connection_init' })
      await inbox.next()
    }
    send(message)
    expect((await closed).code).toBe(4400)
    expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })
})

test('an empty operationName counts as absent', async () => {
  const { inbox, send } = await connect(server)
  send({ type: 'connection_init' })
  await inbox.next()
  send({ id: '1', type: 'subscribe', payload: { query: '{ __typename }', operationName: '' } })
  expect((await inbox.next()).payload).toEqual({ data: { __typename: 'Query' } })
})

describe('sockets on which nobody signs in', () => {
  const closings = async (sockets: Awaited<ReturnType<typeof connect>>[]) =>
    Promise.all(sockets.map(({ inbox, closed }) => Promise.race([inbox.next(), closed])))

  test('are limited per address, and signed-in ones are not among them', async () => {
    const own = await freshServerForTest({ WS_MAX_ANONYMOUS_SOCKETS: '3', TRUSTED_PROXIES: '1' })
    const owner = await signUp(own)
    const from = async (address: string, payload?: unknown) => {
      const session = await connect(own, { 'x-forwarded-for': address })
      session.send({ type: 'connection_init', payload })
      const [first] = await closings([session])
      return { ...session, first }
    }
    const open = [await from('1.1.1.1'), await from('1.1.1.1'), await from('1.1.1.1')]
    expect(open.map(({ first }) => first)).toEqual(Array(3).fill({ type: 'connection_ack' }))
    const authorization = `Bearer ${owner.token}`
    for (let count = 0; count < 4; count++)
      expect((await from('1.1.1.1', { authorization })).first).toEqual({ type: 'connection_ack' })
    expect((await from('1.1.1.1')).first).toEqual({
      code: 4429,
      reason: 'Your address has 3 open websockets without a credential.',
    })
    expect((await from('2.2.2.2')).first).toEqual({ type: 'connection_ack' })
    // One client controls a whole /64 network.
    const network = [await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8::3')]
    expect(network.map(({ first }) => first)).toEqual(Array(3).fill({ type: 'connection_ack' }))
    expect((await from('2001:db8::4')).first).toMatchObject({ code: 4429 })
    expect((await from('2001:db8:1::4')).first).toEqual({ type: 'connection_ack' })
    open[0]!.socket.close()
    await until('there is room again', async () => {
      const { first } = await from('1.1.1.1')
      return 'type' in first!
    })
  })

  test('run fewer operations', async () => {
    const own = await freshServerForTest({ WS_MAX_ANONYMOUS_OPERATIONS: '2', WS_MAX_OPERATIONS_PER_SOCKET: '5' })
    const owner = await signUp(own)
    for (const [payload, limit] of [
      [{}, 2],
      [{ authorization: `Bearer ${owner.token}` }, 5],
    ] as const) {
      const { inbox, send } = await connect(own)
      send({ type: 'connection_init', payload })
      await inbox.next()
      // Checking a password takes so long that all of them still run when the last arrives.
      const query = `mutation { signIn(input: { email: "${owner.email}", password: "not ${limit}" }) { accessToken } }`
      for (let id = 0; id <= limit; id++) send({ id: String(id), type: 'subscribe', payload: { query } })
      const messages: Message[] = []
      while (!messages.some(({ type }) => type === 'error')) messages.push(await inbox.next())
      const { id, payload: errors } = messages.find(({ type }) => type === 'error')!
      expect([id, errors[0].message]).toEqual([
        String(limit),
        `This socket already runs ${limit} operations. Complete one first.`,
      ])
    }
  })

  test('that have not sent connection_init are limited, and refused before they open', async () => {
    const own = await freshServerForTest({ WS_MAX_PENDING_SOCKETS: '4' })
    const pending = await Promise.all(Array.from({ length: 4 }, () => connect(own)))
    const refused = await connect(own).then(
      () => 'it opened',
      (error: Error) => error.message,
    )
    expect(refused).toContain('429')
    const { token } = await signUp(own)
    pending[0]!.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })
    expect(await pending[0]!.inbox.next()).toEqual({ type: 'connection_ack' })
    const next = await connect(own)
    next.send({ type: 'connection_init' })
    expect(await next.inbox.next()).toEqual({ type: 'connection_ack' })
  })
})
