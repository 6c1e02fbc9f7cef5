import jwt from 'jsonwebtoken'
import { beforeAll, describe, expect, test } from 'vitest'
import { briefLife, briefToken } from '../support/brief.ts'
import { graphql, rest } from '../support/clients.ts'
import { ENDED, type Endings, OPEN, openStreams } from '../support/open-streams.ts'
import { sharedServer, signUp, type TestServer, type TestUser } from '../support/server.ts'
import { openSocket } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

const RENEW = 'mutation ($accessToken: String!) { renewConnection(accessToken: $accessToken) { expiresAt } }'
const ME = '{ me { id } }'

const expiryOf = (token: string) => (jwt.decode(token) as { exp: number }).exp * 1000
const createTask = (server: TestServer, token: string) =>
  rest(server, 'POST /tasks', { token, body: { title: 'A task' } })

const anyEnded = (endings: Endings) => Object.values(endings).some((ending) => ending !== undefined)
const allEnded = (endings: Endings) => Object.values(endings).every((ending) => ending !== undefined)

test('streams end at the expiry of their token, and not before it', async () => {
  const server = await sharedServer()
  const user = await signUp(server)
  const open = (token: string) => openStreams(server, { token }, () => createTask(server, token))
  const token = await briefToken(server, user, await briefLife(() => open(user.token)))
  const streams = await open(token)
  await until('any stream ends', async () => anyEnded(await streams.endings()))
  expect(Date.now()).toBeGreaterThanOrEqual(expiryOf(token) - 5)
  await until('all streams end', async () => allEnded(await streams.endings()))
  expect(await streams.endings()).toEqual(ENDED)
  expect(streams.socket.closing?.reason).toContain('expired')
})

test('an API key that expires ends its streams', async () => {
  const server = await sharedServer()
  const { token } = await signUp(server)
  const keyUntil = async (expiresAt: Date) => {
    const body = { name: 'Brief', scopes: ['tasks:read'], expiresAt: expiresAt.toISOString() }
    return (await rest(server, 'POST /api-keys', { token, body })).body.secret as string
  }
  const open = (apiKey: string) => openStreams(server, { apiKey }, () => createTask(server, token))
  const life = await briefLife(async () => open(await keyUntil(new Date(Date.now() + 3_600_000))))
  const expiresAt = new Date(Date.now() + life * 1000)
  const streams = await open(await keyUntil(expiresAt))
  await until('any stream ends', async () => anyEnded(await streams.endings()))
  expect(Date.now() - expiresAt.getTime()).toBeGreaterThanOrEqual(-5)
  await until('all streams end', async () => allEnded(await streams.endings()))
  expect(await streams.endings()).toEqual(ENDED)
})

test('a renewed websocket outlives its first token: its subscription loses nothing, and ends with the second', async () => {
  const server = await sharedServer()
  const user = await signUp(server)
  const open = async (token: string) => {
    const { cursor } = (await rest(server, 'GET /events/cursor', { token })).body
    const socket = await openSocket(server, { authorization: `Bearer ${token}` })
    const events = socket.follow(`subscription { taskEvents(after: "${cursor}") { taskId } }`)
    const created = [(await createTask(server, token)).body.id as string]
    return { socket, events, created }
  }
  const life = await briefLife(() => open(user.token))
  const [first, second] = [await briefToken(server, user, life), await briefToken(server, user, 2 * life)]
  const { socket, events, created } = await open(first)
  const { data } = await socket.ask(RENEW, { accessToken: second })
  expect(new Date(data.renewConnection.expiresAt).getTime()).toBe(expiryOf(second))
  await until('the first token has expired', async () => {
    created.push((await createTask(server, user.token)).body.id)
    return Date.now() > expiryOf(first) + 100
  })
  expect((await socket.ask(ME)).data.me.id).toBe(user.id)
  created.push((await createTask(server, user.token)).body.id)
  const seen: string[] = []
  while (seen.length < created.length) seen.push((await events.next()).data.taskEvents.taskId)
  expect(seen).toEqual(created)
  await until('it ends', () => socket.closing !== undefined)
  expect(socket.closing?.code).toBe(4403)
  expect(Date.now()).toBeGreaterThanOrEqual(expiryOf(second) - 5)
})

describe('renewConnection', () => {
  let server: TestServer
  let user: TestUser
  let other: TestUser

  beforeAll(async () => {
    server = await sharedServer()
    user = await signUp(server)
    other = await signUp(server)
  })

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
  ])('rejects %s with %s and leaves the websocket unchanged', async (_what, code, make) => {
    const socket = await openSocket(server, { authorization: `Bearer ${user.token}` })
    const refused = await socket.ask(RENEW, { accessToken: await make() })
    expect(refused.errors?.[0]?.extensions.code, JSON.stringify(refused)).toBe(code)
    expect((await socket.ask(ME)).data.me.id).toBe(user.id)
    expect(socket.closing).toBeUndefined()
  })

  test('requires a websocket that was opened with an access token', async () => {
    const anonymous = await openSocket(server)
    expect((await anonymous.ask(RENEW, { accessToken: user.token })).errors?.[0]?.extensions.code).toBe(
      'UNAUTHENTICATED',
    )
    expect((await anonymous.ask(ME)).data).toEqual({ me: null })
    const machine = await openSocket(server, { apiKey: await apiKey() })
    expect((await machine.ask(RENEW, { accessToken: user.token })).errors?.[0]?.extensions.code).toBe('FORBIDDEN')
  })

  test('returns BAD_REQUEST over HTTP', async () => {
    const { errors } = await graphql(server, RENEW, { accessToken: user.token }, { token: user.token })
    expect(errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
  })

  test('keeps the websocket bound to its session, whose end closes it', async () => {
    const person = await signUp(server)
    const streams = await openStreams(server, { token: person.token }, () => createTask(server, person.token))
    const { body } = await rest(server, 'POST /auth/refresh', { body: { refreshToken: person.refreshToken } })
    expect((await streams.socket.ask(RENEW, { accessToken: body.accessToken })).errors).toBeUndefined()
    expect(await streams.endings()).toEqual(OPEN)
    await rest(server, 'POST /auth/sign-out', { token: body.accessToken })
    await until('it closes', () => streams.socket.closing !== undefined)
    expect(streams.socket.closing?.code).toBe(4403)
  })
})
