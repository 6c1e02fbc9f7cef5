import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type Caller, data, type Outcome, overRest, refusal } from '../support/operations.ts'
import {
  addTo,
  describePeople,
  type PeopleOperations,
  shape,
  signUpAdminAt,
  signUpAt,
  type Person as User,
} from '../support/people.ts'
import { makeUser } from '../support/rows.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

const ROLES = ['VIEWER', 'COMMENTER', 'EDITOR', 'OWNER'] as const
type Role = (typeof ROLES)[number]
const PEOPLE = ['signed out', 'stranger', ...ROLES, 'ADMIN'] as const
type Person = (typeof PEOPLE)[number]

const MISSING = '01890000-0000-7000-8000-000000000000'
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

let server: TestServer
let people: Record<Exclude<Person, 'signed out'>, User>
/** Project with one member of each role. */
let shared: string

beforeAll(async () => {
  server = await sharedServer()
  const made: Partial<typeof people> = { ADMIN: await signUpAdminAt(server) }
  for (const name of ['stranger', ...ROLES] as const) made[name] = await newUser(name)
  people = made as typeof people
  shared = await newProject(people.OWNER)
  for (const role of ROLES.slice(0, 3)) await addTo(people.ADMIN, shared, people[role].email, role)
})

const newUser = (name = 'Test Person') => signUpAt(server, name)
const newProject = async (owner: Caller): Promise<string> =>
  data(await overRest.createProject(owner, { name: 'Shared' })).id

/** Adds a new user to the project as an extra member. */
async function extra(projectId: string, role = 'VIEWER') {
  const user = await makeUser(server.db)
  await addTo(people.ADMIN, projectId, user.email, role)
  return user
}

const membersIn = async (projectId: string) =>
  Object.fromEntries(
    (await server.db.membership.findMany({ where: { projectId } })).map(({ userId, role }) => [userId, role]),
  )

/** Lists each operation with the role it requires. Runs on a project and one of its members. */
const OPERATIONS: [
  string,
  Role,
  (api: PeopleOperations, caller: Caller, projectId: string, userId: string) => Promise<Outcome>,
][] = [
  ['listMembers', 'VIEWER', (api, caller, projectId) => api.listMembers(caller, projectId)],
  [
    'addMember',
    'OWNER',
    async (api, caller, projectId) =>
      api.addMember(caller, projectId, { email: (await makeUser(server.db)).email, role: 'VIEWER' }),
  ],
  [
    'setMember',
    'OWNER',
    (api, caller, projectId, userId) => api.setMember(caller, projectId, userId, { role: 'EDITOR' }),
  ],
  ['removeMember', 'OWNER', (api, caller, projectId, userId) => api.removeMember(caller, projectId, userId)],
]

describePeople('members', (api) => {
  test.each(OPERATIONS)(
    '%s gives a stranger the same answer for an existing and a nonexistent project',
    async (_name, _needed, run) => {
      const { id } = await extra(shared)
      const shown = async (projectId: string) => {
        const refused = refusal(await run(api, people.stranger, projectId, id))
        expect(shape(refused), refused.exchange).toEqual({ code: 'NOT_FOUND', fields: ['projectId'] })
        return refused.exchange
          .slice(refused.exchange.indexOf(' answered '))
          .replaceAll(projectId, 'ID')
          .replace(/"requestId":"[^"]+"/, '')
      }
      expect(await shown(shared)).toBe(await shown(MISSING))
      expect(await shown(shared)).toBe(await shown('nothing'))
    },
  )

  test('the list has exactly the members with their roles, the longest first, in pages, counted on request', async () => {
    const owner = await newUser('Olga')
    const projectId = await newProject(owner)
    await newProject(owner)
    const [editor, viewer] = [await extra(projectId, 'EDITOR'), await extra(projectId)]
    const whole = data(await api.listMembers(people.ADMIN, projectId, { totalCount: true }))
    const expected = [
      [owner.id, 'OWNER', 'Olga'],
      [editor.id, 'EDITOR', 'Somebody'],
      [viewer.id, 'VIEWER', 'Somebody'],
    ]
    type Member = { projectId: string; userId: string; role: string; user: { id: string; name: string; email: string } }
    expect(whole.nodes.map((one: Member) => [one.userId, one.role, one.user.name])).toEqual(expected)
    expect(whole.nodes.every((one: Member) => one.projectId === projectId && one.user.id === one.userId)).toBe(true)
    expect(whole).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: false, hasPreviousPage: false } })
    const ids = async (paging: object) =>
      data(await api.listMembers(owner, projectId, paging)).nodes.map((one: Member) => one.userId)
    expect(await ids({ first: 1, after: whole.pageInfo.startCursor })).toEqual([editor.id])
    expect(await ids({ last: 1, before: whole.pageInfo.endCursor })).toEqual([editor.id])
    expect(await ids({ first: 5, offset: 2 })).toEqual([viewer.id])
    // Email addresses are visible only to the user and to ADMINs.
    const emails = async (caller: Caller) =>
      data(await api.listMembers(caller, projectId)).nodes.map((one: Member) => one.user.email)
    expect(await emails(owner)).toEqual([owner.email, null, null])
    expect(await emails(people.ADMIN)).toEqual([owner.email, editor.email, viewer.email])
  })

  test('reports all invalid list arguments at once', async () => {
    const refused = refusal(await api.listMembers(people.VIEWER, shared, { first: 0, offset: -1 }))
    expect(shape(refused), refused.exchange).toEqual({ code: 'VALIDATION_FAILED', fields: ['limit', 'offset'] })
    expect(refusal(await api.listMembers(people.VIEWER, shared, { after: 'nonsense' })).fields).toEqual(['after'])
  })

  test('adds a member by email address, who sees the project from the next request on', async () => {
    const [owner, friend] = [await newUser(), await newUser('Friend')]
    const projectId = await newProject(owner)
    expect(refusal(await overRest.getProject(friend, projectId)).code).toBe('NOT_FOUND')
    const added = data(
      await api.addMember(owner, projectId, { email: ` ${friend.email.toUpperCase()}`, role: 'EDITOR' }),
    )
    expect(added).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}7/),
      projectId,
      userId: friend.id,
      role: 'EDITOR',
      user: expect.objectContaining({ id: friend.id, name: 'Friend', email: null }),
      version: 1,
      createdAt: expect.stringMatching(INSTANT),
      updatedAt: expect.stringMatching(INSTANT),
    })
    expect(data(await api.listMembers(friend, projectId)).nodes).toHaveLength(2)
    data(await overRest.createTask(friend, { projectId, title: 'A' }))
  })

  test('cannot add an account that does not exist or is disabled', async () => {
    const disabled = await makeUser(server.db)
    await server.db.user.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } })
    for (const email of [`${crypto.randomUUID()}@example.org`, disabled.email]) {
      const refused = refusal(await api.addMember(people.OWNER, shared, { email, role: 'VIEWER' }))
      expect(shape(refused), refused.exchange).toEqual({ code: 'NOT_FOUND', fields: ['email'] })
    }
  })

  test('adds a member once, even in concurrent requests, and keeps the first role', async () => {
    const { id, email } = await makeUser(server.db)
    const add = () => api.addMember(people.OWNER, shared, { email, role: 'EDITOR' })
    const outcomes = await Promise.all([add(), add(), add(), add(), add()])
    outcomes.push(await api.addMember(people.ADMIN, shared, { email, role: 'VIEWER' }))
    const refused = outcomes.filter((outcome) => outcome.error).map(refusal)
    expect(refused.map(shape)).toEqual(Array(5).fill({ code: 'CONFLICT', fields: ['email'] }))
    expect((await membersIn(shared))[id]).toBe('EDITOR')
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    ['no fields', {}, ['email', 'role']],
    ['a malformed address', { email: 'ann', role: 'VIEWER' }, ['email']],
    ['an address of 255 characters', { email: `${'a'.repeat(243)}@example.org`, role: 'VIEWER' }, ['email']],
    ['an unknown role', { email: 'a@example.org', role: 'ADMIN' }, ['role']],
    ['a null role', { email: 'a@example.org', role: null }, ['role']],
    ['an unknown field', { email: 'a@example.org', role: 'VIEWER', name: 'A' }, ['name']],
  ])('rejects a member with %s', async (_what, input, fields) => {
    const refused = refusal(await api.addMember(people.OWNER, shared, input))
    expect(shape(refused), refused.exchange).toEqual({ code: 'VALIDATION_FAILED', fields })
  })

  test('sets a role, which applies from the next request on', async () => {
    const [owner, friend] = [await newUser(), await newUser()]
    const projectId = await newProject(owner)
    await addTo(people.ADMIN, projectId, friend.email, 'EDITOR')
    const before = data(await api.listMembers(owner, projectId)).nodes[1]
    expect(data(await api.setMember(owner, projectId, friend.id, { role: 'EDITOR' }))).toEqual(before)
    const demoted = data(await api.setMember(owner, projectId, friend.id, { role: 'VIEWER' }))
    expect(demoted).toEqual({ ...before, role: 'VIEWER', version: 2, updatedAt: expect.stringMatching(INSTANT) })
    expect(refusal(await overRest.createTask(friend, { projectId, title: 'A' })).code).toBe('FORBIDDEN')
    data(await api.setMember(owner, projectId, friend.id.toUpperCase(), { role: 'OWNER' }))
    data(await api.setMember(friend, projectId, owner.id, { role: 'VIEWER' }))
    expect(refusal(await api.removeMember(owner, projectId, friend.id)).code).toBe('FORBIDDEN')
  })

  test('sets a role only from the expected version, so one of 10 concurrent requests succeeds', async () => {
    const { id } = await extra(shared)
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        api.setMember(people.OWNER, shared, id, { role: index % 2 ? 'EDITOR' : 'COMMENTER' }, 1),
      ),
    )
    const refused = outcomes.filter((outcome) => outcome.error).map(refusal)
    expect(refused.map(shape)).toEqual(Array(9).fill({ code: 'PRECONDITION_FAILED', fields: ['expectedVersion'] }))
    expect(data(await api.setMember(people.OWNER, shared, id, { role: 'VIEWER' }, 2)).version).toBe(3)
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    ['no fields', {}, ['role']],
    ['an unknown role', { role: 'ADMIN' }, ['role']],
    ['a null role', { role: null }, ['role']],
    ['an unknown field', { role: 'VIEWER', email: 'a@example.org' }, ['email']],
  ])('rejects a role change with %s', async (_what, input, fields) => {
    const refused = refusal(await api.setMember(people.OWNER, shared, people.VIEWER.id, input))
    expect(shape(refused), refused.exchange).toEqual({ code: 'VALIDATION_FAILED', fields })
    expect((await membersIn(shared))[people.VIEWER.id]).toBe('VIEWER')
  })

  test('answers NOT_FOUND for a user who is not a member and for a malformed id', async () => {
    for (const id of [people.stranger.id, people.ADMIN.id, MISSING, 'nobody', '%00']) {
      for (const outcome of [
        await api.setMember(people.OWNER, shared, id, { role: 'VIEWER' }),
        await api.setMember(people.OWNER, shared, id, { role: 'VIEWER' }, 7),
        await api.removeMember(people.OWNER, shared, id),
      ]) {
        const refused = refusal(outcome)
        expect(shape(refused), refused.exchange).toEqual({ code: 'NOT_FOUND', fields: ['userId'] })
      }
    }
  })
})

test('POST returns 201 with the Location of the list, PUT 200 with an ETag, and DELETE 204 without a body', async () => {
  const { token } = people.OWNER
  const { id, email } = await makeUser(server.db)
  const path = `/projects/${shared}/members`
  const added = await rest(server, `POST ${path}`, { token, body: { email, role: 'VIEWER' } })
  expect({ status: added.status, location: added.headers.get('location') }).toEqual({
    status: 201,
    location: `/api/v1${path}`,
  })
  expect((await rest(server, `GET ${path}`, { token })).status).toBe(200)
  const headers = { 'if-match': added.headers.get('etag') ?? '' }
  const set = await rest(server, `PUT ${path}/${id}`, { token, headers, body: { role: 'EDITOR' } })
  expect({ status: set.status, etag: set.headers.get('etag') }).toEqual({
    status: 200,
    etag: expect.stringMatching(/^"v2\./),
  })
  expect((await rest(server, `PUT ${path}/${id}`, { token, headers, body: { role: 'VIEWER' } })).status).toBe(412)
  const removed = await rest(server, `DELETE ${path}/${id}`, { token })
  expect({ status: removed.status, text: removed.text }).toEqual({ status: 204, text: '' })
})
