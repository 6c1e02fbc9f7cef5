import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { atOnce, newKey } from '../support/factories.ts'
import { type OwnServer, signUp, type TestUser } from '../support/server.ts'
import { closeServers, ownServers } from '../support/servers.ts'
import { until } from '../support/wait.ts'

const MAXIMUM = 3

let servers: OwnServer[]
let server: OwnServer
let user: TestUser

beforeAll(async () => {
  const names = [
    'PROJECTS_PER_USER',
    'API_KEYS_PER_USER',
    'SESSIONS_PER_USER',
    'LABELS_PER_PROJECT',
    'MEMBERS_PER_PROJECT',
    'SAVED_FILTERS_PER_USER',
  ]
  const limits = Object.fromEntries(names.map((name) => [`MAX_${name}`, String(MAXIMUM)]))
  servers = await ownServers({ RATE_LIMIT: 'off', ...limits })
  server = servers[0]!
})
afterAll(() => closeServers(servers))

const send = (call: string, body?: object, at: { url: string } = server) => rest(at, call, { token: user.token, body })

interface Kind {
  setting: string
  /** Prepares what the requests need. */
  prepare?: () => Promise<void>
  create: (at?: { url: string }) => ReturnType<typeof send>
  /** How many there are before the first request. */
  present?: number
  count: () => Promise<number>
  /** Removes one, so that there is room again. */
  remove: (created: { id: string }) => Promise<unknown>
}

let projectId: string
const inProject = async () => {
  projectId = (await send('POST /projects', { name: 'Full', key: newKey() })).body.id
}

const KINDS: Kind[] = [
  {
    setting: 'MAX_PROJECTS_PER_USER',
    create: (at) => send('POST /projects', { name: 'A project', key: newKey() }, at),
    count: () => server.db.membership.count({ where: { userId: user.id, project: { name: { not: 'Inbox' } } } }),
    remove: ({ id }) => server.db.membership.updateMany({ where: { projectId: id }, data: { role: 'EDITOR' } }),
  },
  {
    setting: 'MAX_API_KEYS_PER_USER',
    create: (at) => send('POST /api-keys', { name: 'A key', scopes: ['tasks:read'] }, at),
    count: () => server.db.apiKey.count({ where: { userId: user.id, revokedAt: null } }),
    remove: ({ id }) => send(`DELETE /api-keys/${id}`),
  },
  {
    setting: 'MAX_SAVED_FILTERS_PER_USER',
    create: (at) => send('POST /saved-filters', { name: 'A filter', filter: {} }, at),
    count: () => server.db.savedFilter.count({ where: { ownerId: user.id } }),
    remove: ({ id }) => send(`DELETE /saved-filters/${id}`),
  },
  {
    setting: 'MAX_LABELS_PER_PROJECT',
    prepare: inProject,
    create: (at) => send(`POST /projects/${projectId}/labels`, { name: newKey() }, at),
    count: () => server.db.label.count({ where: { projectId } }),
    remove: ({ id }) => send(`DELETE /labels/${id}`),
  },
  {
    setting: 'MAX_MEMBERS_PER_PROJECT',
    prepare: inProject,
    create: async (at) =>
      send(`POST /projects/${projectId}/members`, { email: (await signUp(server)).email, role: 'VIEWER' }, at),
    present: 1,
    count: () => server.db.membership.count({ where: { projectId } }),
    remove: async () => {
      const { userId } = (await server.db.membership.findFirst({ where: { projectId, role: 'VIEWER' } }))!
      return send(`DELETE /projects/${projectId}/members/${userId}`)
    },
  },
]

describe.each(KINDS)('$setting', ({ setting, prepare, create, present = 0, count, remove }) => {
  test('allows the maximum, names itself beyond, and allows one more after a removal', async () => {
    user = await signUp(server)
    await prepare?.()
    const created = []
    for (let index = present; index < MAXIMUM; index++) created.push(await create())
    for (const answer of created) expect(answer.status, answer.text).toBe(201)
    const refused = await create()
    expect(refused.status, refused.text).toBe(409)
    expect(refused.body).toMatchObject({ code: 'CONFLICT', errors: [{ path: ['body'], code: 'quota' }] })
    expect(refused.body.detail).toMatch(new RegExp(`^The limit is ${MAXIMUM} .*\\(${setting}\\)\\.$`))
    await remove(created[0]!.body)
    expect((await create()).status).toBe(201)
    expect((await create()).status).toBe(409)
  })

  test('is not exceeded when 50 create at once, on two servers', async () => {
    user = await signUp(server)
    await prepare?.()
    const answers = await atOnce(50, (index) => create(servers[index % servers.length]))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(MAXIMUM - present)
    expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([])
    expect(await count()).toBe(MAXIMUM)
  })
})

test('a project is not counted for who is only a member of it', async () => {
  user = await signUp(server)
  const other = await signUp(server)
  for (let index = 0; index < MAXIMUM; index++) {
    const { body } = await rest(server, 'POST /projects', { token: other.token, body: { name: 'A', key: newKey() } })
    const member = { email: user.email, role: 'EDITOR' }
    await rest(server, `POST /projects/${body.id}/members`, { token: other.token, body: member })
  }
  expect((await send('POST /projects', { name: 'Own' })).status).toBe(201)
})

test('expired and revoked API keys do not count', async () => {
  user = await signUp(server)
  const create = () => send('POST /api-keys', { name: 'A key', scopes: ['tasks:read'] })
  for (let index = 0; index < MAXIMUM; index++) expect((await create()).status).toBe(201)
  await server.db.apiKey.updateMany({ where: { userId: user.id }, data: { expiresAt: new Date(Date.now() - 1) } })
  expect((await create()).status).toBe(201)
})

test('a mutation with several creations is refused from the maximum on', async () => {
  user = await signUp(server)
  const fields = Array.from({ length: MAXIMUM }, (_, index) => `a${index}: createProject(input: {name: "A"}) { id }`)
  const first = await graphql(server, `mutation { ${fields.join(' ')} }`, {}, user)
  expect(first.errors).toBeUndefined()
  const { errors } = await graphql(server, 'mutation { createProject(input: {name: "B"}) { id } }', {}, user)
  expect(errors).toMatchObject([{ extensions: { code: 'CONFLICT', issues: [{ path: ['input'], code: 'quota' }] } }])
})

describe('MAX_SESSIONS_PER_USER', () => {
  const signIn = async (at: { url: string } = server) => {
    const { email, password } = user
    return (await rest(at, 'POST /auth/sign-in', { body: { email, password } })).body.accessToken as string
  }
  const works = async (token: string) => (await rest(server, 'GET /me', { token })).status === 200
  const open = () => server.db.session.count({ where: { userId: user.id, revokedAt: null } })

  test('ends the session that was unused for longest at a sign-in beyond it', async () => {
    user = await signUp(server)
    const tokens = [await signIn(), await signIn()]
    expect(await open()).toBe(MAXIMUM)
    // The first session is used, so that the second is the oldest now.
    expect((await rest(server, 'POST /auth/refresh', { body: { refreshToken: user.refreshToken } })).status).toBe(200)
    tokens.push(await signIn())
    expect(await open()).toBe(MAXIMUM)
    expect(await works(user.token)).toBe(true)
    await until('the oldest session has ended', async () => !(await works(tokens[0]!)))
    for (const token of tokens.slice(1)) expect(await works(token)).toBe(true)
    const events = await server.db.event.findMany({
      where: { type: 'session.revoked' },
      orderBy: { seq: 'desc' },
      take: 1,
    })
    expect(events).toHaveLength(1)
  })

  test('is not exceeded when 50 sign in at once', async () => {
    user = await signUp(server)
    const tokens = await atOnce(50, (index) => signIn(servers[index % servers.length]))
    expect(tokens.filter(Boolean)).toHaveLength(50)
    const left = await open()
    // Two that end each other's surplus may end one more than needed.
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(MAXIMUM)
  })
})
