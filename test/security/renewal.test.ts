import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { ENDED, OPEN, openStreams } from '../support/open-streams.ts'
import { serverForTest, signUp, type TestServer, type TestUser, testServer } from '../support/server.ts'
import { openSocket } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

const RENEW = 'mutation ($accessToken: String!) { renewConnection(accessToken: $accessToken) { expiresAt } }'
const ME = '{ me { id } }'

const expiryOf = (token: string) => (jwt.decode(token) as { exp: number }).exp * 1000
const createTask = (server: TestServer, token: string) =>
  rest(server, 'POST /tasks', { token, body: { title: 'A task' } })

test('streams end within a second of the expiry of their token, and not before it', async () => {
  const server = await serverForTest({ ACCESS_TOKEN_TTL: '2' })
  const { token } = await signUp(server)
  const streams = await openStreams(server, { token }, () => createTask(server, token))
  await until('any stream ends', async () =>
    Object.values(await streams.endings()).some((ending) => ending !== undefined),
  )
  expect(Date.now()).toBeGreaterThanOrEqual(expiryOf(token) - 5)
  await until('all streams end', async () =>
    Object.values(await streams.endings()).every((ending) => ending !== undefined),
  )
  expect(Date.now()).toBeLessThan(expiryOf(token) + 1_000)
  expect(await streams.endings()).toEqual(ENDED)
  expect(streams.socket.closing?.reason).toContain('expired')
})

test('an API key that expires ends its streams', async () => {
  const server = await serverForTest()
  const { token } = await signUp(server)
  const expiresAt = new Date(Date.now() + 1_500)
  const body = { name: 'Brief', scopes: ['tasks:read'], expiresAt: expiresAt.toISOString() }
  const { secret } = (await rest(server, 'POST /api-keys', { token, body })).body
  const streams = await openStreams(server, { apiKey: secret }, () => createTask(server, token))
  await until('all streams end', async () =>
    Object.values(await streams.endings()).every((ending) => ending !== undefined),
  )
  expect(Date.now() - expiresAt.getTime()).toBeGreaterThanOrEqual(-5)
  expect(Date.now() - expiresAt.getTime()).toBeLessThan(1_000)
  expect(await streams.endings()).toEqual(ENDED)
})

test('a renewed websocket outlives its first token: its subscription loses nothing, and ends with the second', async () => {
  const server = await serverForTest({ ACCESS_TOKEN_TTL: '2' })
  const user = await signUp(server)
  const { cursor } = (await rest(server, 'GET /events/cursor', { token: user.token })).body
  const socket = await openSocket(server, { authorization: `Bearer ${user.token}` })
  const events = socket.follow(`subscription { taskEvents(after: "${cursor}") { taskId } }`)
  const created = [(await createTask(server, user.token)).body.id]
  await until('half of its life is over', () => Date.now() > expiryOf(user.token) - 900)
  const renewed = (await rest(server, 'POST /auth/refresh', { body: { refreshToken: user.refreshToken } })).body
  const token = renewed.accessToken
  const { data } = await socket.ask(RENEW, { accessToken: token })
  expect(new Date(data.renewConnection.expiresAt).getTime()).toBe(expiryOf(token))
  while (Date.now() < expiryOf(user.token) + 300) created.push((await createTask(server, token)).body.id)
  expect((await socket.ask(ME)).data.me.id).toBe(user.id)
  created.push((await createTask(server, token)).body.id)
  const seen: string[] = []
  while (seen.length < created.length) seen.push((await events.next()).data.taskEvents.taskId)
  expect(seen).toEqual(created)
  expect(socket.closing).toBeUndefined()
  await until('it ends', () => socket.closing !== undefined)
  expect(socket.closing?.code).toBe(4403)
  expect(Date.now()).toBeGreaterThanOrEqual(expiryOf(token) - 5)
  expect(Date.now()).toBeLessThan(expiryOf(token) + 1_000)
})

describe('renewConnection', () => {
  let server: TestServer
  let user: TestUser
  let other: TestUser

  beforeAll(async () => {
    server = await testServer()
    user = await signUp(server)
    other = await signUp(server)
  })
  afterAll(() => server?.close())

  const signInAgain = async ({ email, password }: TestUser): Promise<string> =>
    (await rest(server, 'POST /auth/sign-in', { body: { email, password } })).body.accessToken
  const apiKey = async (): Promise<string> =>
    (await rest(server, 'POST /api-keys', { token: user.token, body: { name: 'K', scopes: ['tasks:read'] } })).body
      .secret

  test.each<[string, string, () => string | Promise<string>]>([
    ['a token of another session of the same user', 'FORBIDDEN', () => signInAgain(user)],
    ['a token of another user', 'FORBIDDEN', () => other.token],
    ['an API key of the same user', 'UNAUTHENTICATED', apiKey],
    ['garbage', 'UNAUTHENTICATED', () => 'garbage'],
    ['its own token with a header smuggled in', 'UNAUTHENTICATED', () => `${user.token}\r\nX-Api-Key: x`],
    ['nothing', 'VALIDATION_FAILED', () => ''],
  ])('refuses %s with %s, and the websocket goes on as it was', async (_what, code, make) => {
    const socket = await openSocket(server, { authorization: `Bearer ${user.token}` })
    const refused = await socket.ask(RENEW, { accessToken: await make() })
    expect(refused.errors?.[0]?.extensions.code, JSON.stringify(refused)).toBe(code)
    expect((await socket.ask(ME)).data.me.id).toBe(user.id)
    expect(socket.closing).toBeUndefined()
  })

  test('is for websockets that somebody signed in opened with a token', async () => {
    const anonymous = await openSocket(server)
    expect((await anonymous.ask(RENEW, { accessToken: user.token })).errors?.[0]?.extensions.code).toBe(
      'UNAUTHENTICATED',
    )
    expect((await anonymous.ask(ME)).data).toBeNull()
    const machine = await openSocket(server, { apiKey: await apiKey() })
    expect((await machine.ask(RENEW, { accessToken: user.token })).errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  })

  test('over HTTP is BAD_REQUEST', async () => {
    const { errors } = await graphql(server, RENEW, { accessToken: user.token }, { token: user.token })
    expect(errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
  })

  test('keeps the websocket under the eye of its session: ended, it closes', async () => {
    const person = await signUp(server)
    const streams = await openStreams(server, { token: person.token }, () => createTask(server, person.token))
    const { body } = await rest(server, 'POST /auth/refresh', { body: { refreshToken: person.refreshToken } })
    expect((await streams.socket.ask(RENEW, { accessToken: body.accessToken })).errors).toBeUndefined()
    expect(await streams.endings()).toEqual(OPEN)
    await rest(server, 'POST /auth/sign-out', { token: body.accessToken })
    await until('it closes', () => streams.socket.closing !== undefined, 1_000)
    expect(streams.socket.closing?.code).toBe(4403)
  })
})
