import { beforeAll, expect, test } from 'vitest'
import { eventStream, rest } from '../support/clients.ts'
import { ask, data, overRest, refusal } from '../support/operations.ts'
import { apiKey, describePeople, newAccount, type Person, shape, signUpAdminAt, signUpAt } from '../support/people.ts'
import { ownServerForTest, sharedServer, type TestServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

let server: TestServer
let admin: Person
let member: Person

beforeAll(async () => {
  server = await sharedServer()
  admin = await signUpAdminAt(server)
  member = await newPerson('Member')
})

const newPerson = (name = 'Test Person', at: { url: string } = server) => signUpAt(at, name)
const signIn = (email: string, password: string) => overRest.signIn({ url: server.url }, { email, password })

describePeople('user changes', (api) => {
  test('updates only the given fields', async () => {
    const { id } = await newPerson('Before')
    const before = data(await api.getUser(admin, id))
    expect(data(await api.updateUser(admin, id, {}))).toEqual(before)
    const renamed = data(await api.updateUser(admin, id, { name: ' After ' }))
    expect(renamed).toEqual({ ...before, name: 'After', version: 2, updatedAt: expect.stringMatching(INSTANT) })
    expect(data(await api.updateUser(admin, id, { role: 'ADMIN' }))).toMatchObject({ role: 'ADMIN', name: 'After' })
    expect(data(await api.updateUser(admin, id, { role: 'MEMBER' }))).toMatchObject({ role: 'MEMBER', version: 4 })
  })

  test('keeps the first disabledAt when disabled again, and clears it when enabled', async () => {
    const { id } = await newPerson()
    const disabled = data(await api.updateUser(admin, id, { disabled: true }))
    expect(disabled).toMatchObject({ disabledAt: expect.stringMatching(INSTANT), version: 2 })
    expect(data(await api.updateUser(admin, id, { disabled: true }))).toEqual(disabled)
    expect(data(await api.updateUser(admin, id, { name: 'Else' })).disabledAt).toBe(disabled.disabledAt)
    expect(data(await api.updateUser(admin, id, { disabled: false }))).toMatchObject({ disabledAt: null, version: 4 })
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    [
      'null fields',
      { name: null, role: null, disabled: null, password: null },
      ['disabled', 'name', 'password', 'role'],
    ],
    ['an empty name', { name: '' }, ['name']],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, ['name']],
    ['a short password', { password: 'short' }, ['password']],
    ['a common password', { password: 'Password123!' }, ['password']],
    ['a long password', { password: 'x'.repeat(201) }, ['password']],
    ['revokeApiKeys of null', { revokeApiKeys: null }, ['revokeApiKeys']],
    ['an unknown role', { role: 'OWNER' }, ['role']],
    ['a string for disabled', { disabled: 'yes' }, ['disabled']],
    ['an email address', { email: 'other@example.org' }, ['email']],
  ])('rejects an update with %s', async (_what, input, fields) => {
    const before = data(await api.getUser(admin, member.id))
    const refused = refusal(await api.updateUser(admin, member.id, input))
    expect(shape(refused), refused.exchange).toEqual({ code: 'VALIDATION_FAILED', fields })
    expect(data(await api.getUser(admin, member.id))).toEqual(before)
  })

  test('rejects an update or deletion that expects another version', async () => {
    const { id } = await newPerson()
    data(await api.updateUser(admin, id, { name: 'Second' }, 1))
    for (const outcome of [
      await api.updateUser(admin, id, { disabled: true, password: 'another password' }, 1),
      await api.deleteUser(admin, id, 1),
    ]) {
      const refused = refusal(outcome)
      expect(shape(refused), refused.exchange).toEqual({ code: 'PRECONDITION_FAILED', fields: ['expectedVersion'] })
    }
    expect(data(await api.getUser(admin, id))).toMatchObject({ name: 'Second', disabledAt: null, version: 2 })
    expect((await api.deleteUser(admin, id, 2)).error).toBeUndefined()
  })

  test('accepts one of 20 concurrent updates that expect the same version', async () => {
    const { id } = await newPerson()
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => api.updateUser(admin, id, { name: `Change ${index}` }, 1)),
    )
    expect(outcomes.map((outcome) => outcome.error?.code).sort()).toEqual([
      ...Array(19).fill('PRECONDITION_FAILED'),
      undefined,
    ])
  })

  test.each([
    ['revokes API keys', {}, true],
    ['keeps API keys with revokeApiKeys: false', { revokeApiKeys: false }, false],
  ])('a new password ends the user’s sessions, works for sign-in and %s', async (_what, choice, isRevoked) => {
    const person = await newPerson()
    const key = await apiKey(person, 'tasks:read')
    data(await api.updateUser(admin, person.id, { password: 'another password', ...choice }))
    expect(refusal(await overRest.me(person)).code).toBe('UNAUTHENTICATED')
    const refreshed = await rest(server, 'POST /auth/refresh', { body: { refreshToken: person.refreshToken } })
    expect(refreshed.status).toBe(401)
    expect(refusal(await signIn(person.email, person.password)).code).toBe('UNAUTHENTICATED')
    data(await signIn(person.email, 'another password'))
    if (isRevoked) expect(refusal(await overRest.me(key)).code).toBe('UNAUTHENTICATED')
    else data(await overRest.me(key))
  })

  test('revokeApiKeys revokes all keys of the user, and no password, session or other user’s key', async () => {
    const person = await newPerson()
    const keys = [await apiKey(person, 'tasks:read'), await apiKey(person, 'projects:read')]
    const other = await apiKey(member, 'tasks:read')
    data(await api.updateUser(admin, person.id, { name: 'Same keys' }))
    for (const key of keys) data(await overRest.me(key))
    data(await api.updateUser(admin, person.id, { revokeApiKeys: true }))
    for (const key of keys) expect(refusal(await overRest.me(key)).code).toBe('UNAUTHENTICATED')
    data(await overRest.me(person))
    data(await overRest.me(other))
    data(await signIn(person.email, person.password))
  })

  test('disabling a user takes effect on the next request with any credential and ends open streams', async () => {
    const person = await newPerson()
    const key = await apiKey(person, 'tasks:read')
    const stream = await eventStream(server, '/events/stream', person)
    data(await api.updateUser(admin, person.id, { disabled: true }))
    expect(refusal(await overRest.me(person)).code).toBe('UNAUTHENTICATED')
    expect(refusal(await overRest.me(key)).code).toBe('UNAUTHENTICATED')
    expect(refusal(await signIn(person.email, person.password)).code).toBe('UNAUTHENTICATED')
    const refreshed = await rest(server, 'POST /auth/refresh', { body: { refreshToken: person.refreshToken } })
    expect(refreshed.status).toBe(401)
    await until('the stream has ended', () => stream.inbox.ended !== undefined)
    data(await api.updateUser(admin, person.id, { disabled: false }))
    data(await signIn(person.email, person.password))
  })

  test('a role change takes effect on the next request', async () => {
    const person = await newPerson()
    data(await api.updateUser(admin, person.id, { role: 'ADMIN' }))
    data(await api.listUsers(person))
    data(await api.updateUser(admin, person.id, { role: 'MEMBER' }))
    expect(refusal(await api.listUsers(person)).code).toBe('FORBIDDEN')
  })

  test('deleting a user removes their credentials, keeps their work and logs who deleted them', async () => {
    const person = await newPerson()
    const key = await apiKey(person, 'tasks:read')
    const project = data(await overRest.createProject(person, { name: 'Kept' }))
    const task = data(await overRest.createTask(person, { projectId: project.id, title: 'Kept' }))
    const stream = await eventStream(server, '/events/stream', person)
    const before = data(await api.getUser(admin, person.id))
    const { cursor } = data(await overRest.eventCursor(admin))

    const answer = data(await api.deleteUser(admin, person.id))
    expect(answer).toEqual(api.protocol === 'REST' ? undefined : before)
    expect(refusal(await api.getUser(admin, person.id)).code).toBe('NOT_FOUND')
    expect(refusal(await api.deleteUser(admin, person.id)).code).toBe('NOT_FOUND')
    for (const caller of [person, key]) expect(refusal(await overRest.me(caller)).code).toBe('UNAUTHENTICATED')
    expect(refusal(await signIn(person.email, person.password)).code).toBe('UNAUTHENTICATED')
    await until('the stream has ended', () => stream.inbox.ended !== undefined)

    expect(data(await overRest.getTask(admin, task.id))).toEqual(task)
    const shown = await ask(admin, 'query ($id: ID!) { task(id: $id) { creator { id name email disabledAt } } }', {
      id: task.id,
    })
    expect(data(shown).creator).toEqual({
      id: person.id,
      name: 'Deleted user',
      email: null,
      disabledAt: expect.any(String),
    })
    expect(data(await overRest.getProject(admin, project.id))).toEqual(project)
    const { nodes } = data(await overRest.listEvents(admin, { after: cursor }))
    const removed = { type: 'member.removed', subjectId: person.id, actor: { id: admin.id } }
    expect(nodes).toMatchObject([removed, removed])
    expect(nodes.map((event: { projectId: string }) => event.projectId)).toContain(project.id)
    data(await api.createUser(admin, { ...newAccount(), email: person.email }))
  })

  test('an ADMIN cannot delete their own account', async () => {
    const other = await newPerson()
    data(await api.updateUser(admin, other.id, { role: 'ADMIN' }))
    for (const id of [other.id, other.id.toUpperCase()]) {
      const refused = refusal(await api.deleteUser(other, id))
      expect(shape(refused), refused.exchange).toEqual({ code: 'CONFLICT', fields: ['id'] })
    }
    data(await overRest.me(other))
  })

  test('the last enabled ADMIN cannot be demoted or disabled', async () => {
    const fresh = await ownServerForTest({ RATE_LIMIT: 'off' })
    const [first, second] = [await newPerson('First', fresh), await newPerson('Second', fresh)]
    data(await api.updateUser(first, second.id, { role: 'ADMIN', disabled: true }))
    for (const [input, fields] of [
      [{ role: 'MEMBER' }, ['role']],
      [{ disabled: true, name: 'Not changed' }, ['disabled']],
      [{ disabled: true, role: 'MEMBER' }, ['disabled', 'role']],
    ] as const) {
      const refused = refusal(await api.updateUser(first, first.id, input))
      expect(shape(refused), refused.exchange).toEqual({ code: 'CONFLICT', fields })
    }
    expect(data(await overRest.me(first))).toMatchObject({ role: 'ADMIN', name: 'First', version: 1 })
    data(await api.updateUser(first, first.id, { role: 'ADMIN', disabled: false, name: 'Changed' }))
    // A disabled ADMIN does not count and can be deleted.
    expect((await api.deleteUser(first, second.id)).error).toBeUndefined()
  })

  test('one ADMIN remains when two demote, disable or delete each other at once', async () => {
    const fresh = await ownServerForTest({ RATE_LIMIT: 'off' })
    let [one, other] = [await newPerson('One', fresh), await newPerson('Other', fresh)]
    const makeAdmin = async (by: Person, whom: Person) =>
      data(await api.updateUser(by, whom.id, { role: 'ADMIN', disabled: false }))
    await makeAdmin(one, other)
    const attacks = [
      (by: Person, whom: Person) => api.updateUser(by, whom.id, { role: 'MEMBER' }),
      (by: Person, whom: Person) => api.updateUser(by, whom.id, { disabled: true }),
      (by: Person, whom: Person) => api.deleteUser(by, whom.id),
    ]
    const codes: (string | undefined)[] = []
    for (let round = 0; round < 45; round++) {
      const attack = (shift: number) => attacks[(Math.floor(round / (shift ? 3 : 1)) + shift) % 3]!
      const outcomes = await Promise.all([attack(0)(one, other), attack(1)(other, one)])
      const admins = await fresh.db.user.findMany({ where: { role: 'ADMIN', disabledAt: null } })
      expect(admins, outcomes.map((outcome) => outcome.exchange).join('\n')).toHaveLength(1)
      expect(outcomes.filter((outcome) => !outcome.error)).toHaveLength(1)
      codes.push(...outcomes.map((outcome) => outcome.error?.code))
      if (admins[0]?.id !== one.id) [one, other] = [other, one]
      if (await fresh.db.user.findFirst({ where: { id: other.id, deletedAt: { not: null } } }))
        other = await newPerson('Other', fresh)
      await makeAdmin(one, other)
    }
    // A request that comes second is no longer from an ADMIN, or not even signed in.
    expect(new Set(codes)).toContain('CONFLICT')
    const expected = ['CONFLICT', 'FORBIDDEN', 'UNAUTHENTICATED', undefined]
    expect(codes.filter((code) => !expected.includes(code))).toEqual([])
  })
})
