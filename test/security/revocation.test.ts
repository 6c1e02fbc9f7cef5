import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import { eventStream, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { type Credential, expectEnded, headersOf, OPEN, openStreams } from '../support/open-streams.ts'
import { noticeWrites, type OwnServer, signUp, type TestUser } from '../support/server.ts'
import { closeServers, ownServers } from '../support/servers.ts'
import { until } from '../support/wait.ts'

/** Two servers on PostgreSQL, one on the embedded database. The first one runs all changes. */
let servers: OwnServer[]
let server: OwnServer
let admin: TestUser

beforeAll(async () => {
  servers = await ownServers()
  server = servers[0]!
  admin = await signUp(server)
})
afterAll(() => closeServers(servers))

const createTask = (token: string, body: object = {}) =>
  rest(server, 'POST /tasks', { token, body: { title: 'A task', ...body } })

async function signInAgain({ email, password }: TestUser): Promise<string> {
  return (await rest(server, 'POST /auth/sign-in', { body: { email, password } })).body.accessToken
}

async function apiKeyOf({ token }: TestUser, scopes = ['tasks:read', 'tasks:write']) {
  const { body } = await rest(server, 'POST /api-keys', { token, body: { name: 'A key', scopes } })
  return body as { id: string; secret: string }
}

/** Opens streams with the credential on every server and waits for events. */
const openEverywhere = (credential: Credential, user: TestUser) =>
  Promise.all(servers.map((one) => openStreams(one, credential, () => createTask(user.token))))

const statusAt = async (at: OwnServer, credential: Credential) =>
  (await rest(at, 'GET /tasks', { headers: headersOf(credential) })).status

/**
 * Expects this server to reject the credential at once, the others soon, and all its streams to
 * end.
 */
async function expectOut(credential: Credential, streams: Awaited<ReturnType<typeof openEverywhere>>) {
  expect(await statusAt(server, credential)).toBe(401)
  for (const one of servers) {
    await until('every server rejects the credential', async () => (await statusAt(one, credential)) === 401)
  }
  await expectEnded(streams)
}

describe('access ends at the next request, on other servers and for streams within a second, for', () => {
  test('a disabled user, with session and API key', async () => {
    const user = await signUp(server)
    const key: Credential = { apiKey: (await apiKeyOf(user)).secret }
    const streams = [await openEverywhere({ token: user.token }, user), await openEverywhere(key, user)]
    await server.db.user.update({ where: { id: user.id }, data: { disabledAt: new Date() } })
    await noticeWrites(server, admin)
    await expectOut({ token: user.token }, streams.flat())
    await expectOut(key, [])
  })

  test('a deleted user', async () => {
    const user = await signUp(server)
    const streams = await openEverywhere({ token: user.token }, user)
    await server.db.user.delete({ where: { id: user.id } })
    await noticeWrites(server, admin)
    await expectOut({ token: user.token }, streams)
  })

  test('a revoked API key, but no other key', async () => {
    const user = await signUp(server)
    const [revoked, kept] = [await apiKeyOf(user), await apiKeyOf(user)]
    const streams = await openEverywhere({ apiKey: revoked.secret }, user)
    const others = await openEverywhere({ apiKey: kept.secret }, user)
    expect((await rest(server, `DELETE /api-keys/${revoked.id}`, { token: user.token })).status).toBe(204)
    await expectOut({ apiKey: revoked.secret }, streams)
    for (const other of others) expect(await other.endings()).toEqual(OPEN)
    expect(await statusAt(server, { apiKey: kept.secret })).toBe(200)
  })

  test.each<[string, (user: TestUser, token: string) => Promise<{ status: number }>]>([
    [
      'a session that another one ends',
      async (user, token) => {
        const { body } = await rest(server, 'GET /sessions', { token })
        return rest(server, `DELETE /sessions/${body.nodes[0].id}`, { token: user.token })
      },
    ],
    ['a session that signs out', (_user, token) => rest(server, 'POST /auth/sign-out', { token })],
    [
      'a session elsewhere, at signing out everywhere',
      ({ token }) => rest(server, 'POST /auth/sign-out-everywhere', { token }),
    ],
    [
      'a session elsewhere, at a change of password',
      ({ token, password }) =>
        rest(server, 'POST /me/password', { token, body: { currentPassword: password, newPassword: randomUUID() } }),
    ],
  ])('%s', async (_what, end) => {
    const user = await signUp(server)
    const token = await signInAgain(user)
    const streams = await openEverywhere({ token }, user)
    const { status } = await end(user, token)
    expect(status).toBe(204)
    await expectOut({ token }, streams)
  })
})

test.each<[string, (user: TestUser) => Promise<{ status: number }>]>([
  [
    'an ADMIN sets a new password',
    ({ id }) => rest(server, `PATCH /users/${id}`, { token: admin.token, body: { password: randomUUID() } }),
  ],
  [
    'their user changes the password and asks for it',
    ({ token, password }) => {
      const body = { currentPassword: password, newPassword: randomUUID(), revokeApiKeys: true }
      return rest(server, 'POST /me/password', { token, body })
    },
  ],
])('all API keys and their streams end when %s', async (_what, end) => {
  const user = await signUp(server)
  const keys: Credential[] = []
  for (const _ of [1, 2]) keys.push({ apiKey: (await apiKeyOf(user)).secret })
  const streams = [await openEverywhere(keys[0]!, user), await openEverywhere(keys[1]!, user)]
  const { status } = await end(user)
  expect(status).toBeLessThan(300)
  await expectOut(keys[0]!, streams.flat())
  await expectOut(keys[1]!, [])
})

describe('a session keeps its streams', () => {
  test.each<[string, (user: TestUser, other: string) => Promise<{ status: number }>]>([
    ['when another one signs out', (_user, token) => rest(server, 'POST /auth/sign-out', { token })],
    [
      'when it changes the password',
      ({ token, password }) =>
        rest(server, 'POST /me/password', { token, body: { currentPassword: password, newPassword: randomUUID() } }),
    ],
    ['when it is refreshed', ({ refreshToken }) => rest(server, 'POST /auth/refresh', { body: { refreshToken } })],
  ])('%s', async (_what, act) => {
    const user = await signUp(server)
    const other = await signInAgain(user)
    const streams = await openEverywhere({ token: user.token }, user)
    const { status } = await act(user, other)
    expect(status).toBeLessThan(300)
    await createTask(user.token)
    for (const one of streams) await one.receive()
    for (const one of streams) expect(await one.endings()).toEqual(OPEN)
  })
})

test('a change of password keeps API keys by default', async () => {
  const user = await signUp(server)
  const { secret } = await apiKeyOf(user)
  const body = { currentPassword: user.password, newPassword: randomUUID() }
  expect((await rest(server, 'POST /me/password', { token: user.token, body })).status).toBe(204)
  for (const one of servers) expect(await statusAt(one, { apiKey: secret })).toBe(200)
})

test('signing out everywhere also ends the current session, but no API keys', async () => {
  const user = await signUp(server)
  const { secret } = await apiKeyOf(user)
  expect((await rest(server, 'POST /auth/sign-out-everywhere', { token: user.token })).status).toBe(204)
  await expectOut({ token: user.token }, [])
  for (const one of servers) expect(await statusAt(one, { apiKey: secret })).toBe(200)
  const { refreshToken } = user
  expect((await rest(server, 'POST /auth/refresh', { body: { refreshToken } })).status).toBe(401)
})

test('an ADMIN who becomes a MEMBER loses admin rights and the streams opened as ADMIN', async () => {
  const user = await signUp(server)
  await server.db.user.update({ where: { id: user.id }, data: { role: 'ADMIN' } })
  const { id } = (await createTask(admin.token)).body
  const { secret } = await apiKeyOf(user, ['tasks:read', 'admin'])
  const credentials: Credential[] = [{ token: user.token }, { apiKey: secret }]
  const see = (one: OwnServer, credential: Credential) =>
    rest(one, `GET /tasks/${id}`, { headers: headersOf(credential) }).then(({ status }) => status)
  for (const one of servers) for (const credential of credentials) expect(await see(one, credential)).toBe(200)
  const streams = await Promise.all(credentials.map((one) => openEverywhere(one, user)))
  await server.db.user.update({ where: { id: user.id }, data: { role: 'MEMBER' } })
  await noticeWrites(server, admin)
  for (const credential of credentials) {
    expect(await see(server, credential)).toBe(404)
    for (const one of servers) await until('the rights are gone', async () => (await see(one, credential)) === 404)
  }
  await expectEnded(streams.flat())
})

test('a removed member loses the project, and its events reach none of their open streams', async () => {
  const [owner, member] = [await signUp(server), await signUp(server)]
  const { id: projectId } = (await rest(server, 'POST /projects', { token: owner.token, body: { name: 'Ours' } })).body
  const body = { email: member.email, role: 'EDITOR' }
  const added = await rest(server, `POST /projects/${projectId}/members`, { token: owner.token, body })
  expect(added.status, added.text).toBe(201)
  const open = await Promise.all(
    servers.map((one) => openStreams(one, { token: member.token }, () => createTask(owner.token, { projectId }))),
  )
  const removed = await rest(server, `DELETE /projects/${projectId}/members/${member.id}`, { token: owner.token })
  expect(removed.status, removed.text).toBe(204)
  for (const one of servers) {
    expect((await rest(one, `GET /projects/${projectId}`, { token: member.token })).status).toBe(404)
  }
  const secret = (await createTask(owner.token, { projectId })).body.id
  const own = (await createTask(member.token)).body.id
  for (const { inboxes } of open) {
    const seen = await Promise.all([
      readUntil(inboxes.rest, own, (event) => event.data.taskId),
      readUntil(inboxes.ticket, own, (event) => event.data.taskId),
      readUntil(inboxes.websocket, own, (result) => result.data.taskEvents.taskId),
      readUntil(inboxes.graphql, own, (result) => result.data.taskEvents.taskId),
    ])
    for (const ids of seen) expect(ids).not.toContain(secret)
  }
})

async function readUntil<T>(inbox: { next(): Promise<T> }, last: string, idOf: (message: T) => string) {
  const ids: string[] = []
  while (ids.at(-1) !== last) ids.push(idOf(await inbox.next()))
  return ids
}

describe.skipIf(!onPostgres)('a stream that is opening while (a lock needs a second connection)', () => {
  test.each<[string, (key: { id: string }, user: TestUser) => Promise<unknown>]>([
    ['its API key is revoked', ({ id }, { token }) => rest(server, `DELETE /api-keys/${id}`, { token })],
    ['its user is disabled', (_, { id }) => server.db.user.update({ where: { id }, data: { disabledAt: new Date() } })],
  ])('%s does not stay open', async (_what, revoke) => {
    const user = await signUp(server)
    const key = await apiKeyOf(user)
    const credential = { apiKey: key.secret }
    const { projectId } = (await createTask(user.token)).body
    // Nothing else is open with the credential. The witness is revoked after it, so the server
    // learns of both.
    const other = await signUp(server)
    const otherKey = await apiKeyOf(other)
    const witness = await openStreams(server, { apiKey: otherKey.secret }, () => createTask(other.token))
    const { opening } = await server.db.$transaction(async (tx) => {
      // The lock holds the stream up between authentication and the lookup of memberships.
      await tx.$executeRaw`LOCK TABLE "Membership" IN ACCESS EXCLUSIVE MODE`
      const opening = eventStream(server, `/events/stream?projectId=${projectId}`, { headers: headersOf(credential) })
      await until('the stream waits for the lock', async () => {
        const [{ waiting } = { waiting: 0n }] = await tx.$queryRaw<{ waiting: bigint }[]>`
          SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted AND relation = '"Membership"'::regclass`
        return waiting > 0n
      })
      await revoke(key, user)
      await revoke(otherKey, other)
      await expectEnded([witness])
      return { opening }
    })
    const { response, inbox } = await opening
    if (response.status === 401) return
    await until('the stream that was late ends', () => inbox.ended !== undefined)
  })
})

test('only operations that cannot change an account or a membership leave cached viewers as they are', () => {
  const fields = Object.values(schema.getMutationType()?.getFields() ?? {})
  const kept = fields.filter(({ extensions }) => extensions.keepsViewers === true).map(({ name }) => name)
  expect(kept).toContain('createTask')
  expect(kept.filter((name) => !/Task|Label|Comment|SavedFilter|Attachment|NotificationsRead/.test(name))).toEqual([])
})
