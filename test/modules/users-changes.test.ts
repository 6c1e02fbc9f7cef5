import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventStream, rest } from '../support/clients.ts'
import { data, overRest, refusal } from '../support/operations.ts'
import { apiKey, describePeople, newAccount, type Person, shape, signUpAt } from '../support/people.ts'
import { serverForTest, type TestServer, testServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

let server: TestServer
let admin: Person
let member: Person

beforeAll(async () => {
  server = await testServer({ RATE_LIMIT: 'off' })
  admin = await newPerson('Administrator')
  member = await newPerson('Member')
})
afterAll(() => server?.close())

const newPerson = (name = 'Test Person', at: { url: string } = server) => signUpAt(at, name)
const signIn = (email: string, password: string) => overRest.signIn({ url: server.url }, { email, password })

describePeople('a change of a user', (api) => {
  test('a user is changed field by field', async () => {
    const { id } = await newPerson('Before')
    const before = data(await api.getUser(admin, id))
    expect(data(await api.updateUser(admin, id, {}))).toEqual(before)
    const renamed = data(await api.updateUser(admin, id, { name: ' After ' }))
    expect(renamed).toEqual({ ...before, name: 'After', version: 2, updatedAt: expect.stringMatching(INSTANT) })
    expect(data(await api.updateUser(admin, id, { role: 'ADMIN' }))).toMatchObject({ role: 'ADMIN', name: 'After' })
    expect(data(await api.updateUser(admin, id, { role: 'MEMBER' }))).toMatchObject({ role: 'MEMBER', version: 4 })
  })

  test('an account stays disabled since its first time, and is enabled again', async () => {
    const { id } = await newPerson()
    const disabled = data(await api.updateUser(admin, id, { disabled: true }))
    expect(disabled).toMatchObject({ disabledAt: expect.stringMatching(INSTANT), version: 2 })
    expect(data(await api.updateUser(admin, id, { disabled: true }))).toEqual(disabled)
    expect(data(await api.updateUser(admin, id, { name: 'Else' })).disabledAt).toBe(disabled.disabledAt)
    expect(data(await api.updateUser(admin, id, { disabled: false }))).toMatchObject({ disabledAt: null, version: 4 })
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    [
      'nothing cleared',
      { name: null, role: null, disabled: null, password: null },
      ['disabled', 'name', 'password', 'role'],
    ],
    ['an empty name', { name: '' }, ['name']],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, ['name']],
    ['a short password', { password: 'short' }, ['password']],
    ['a long password', { password: 'x'.repeat(201) }, ['password']],
    ['a role there is not', { role: 'OWNER' }, ['role']],
    ['a text for disabled', { disabled: 'yes' }, ['disabled']],
    ['an address', { email: 'other@example.org' }, ['email']],
  ])('a change to %s is refused', async (_what, input, fields) => {
    const before = data(await api.getUser(admin, member.id))
    const refused = refusal(await api.updateUser(admin, member.id, input))
    expect(shape(refused), refused.exchange).toEqual({ code: 'VALIDATION_FAILED', fields })
    expect(data(await api.getUser(admin, member.id))).toEqual(before)
  })

  test('a change that expects another version is refused', async () => {
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

  test('of 20 changes that expect the same version one wins', async () => {
    const { id } = await newPerson()
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => api.updateUser(admin, id, { name: `Change ${index}` }, 1)),
    )
    expect(outcomes.map((outcome) => outcome.error?.code).sort()).toEqual([
      ...Array(19).fill('PRECONDITION_FAILED'),
      undefined,
    ])
  })

  test('a new password ends the sessions of the user, who signs in with it', async () => {
    const person = await newPerson()
    const key = await apiKey(person, 'tasks:read')
    data(await api.updateUser(admin, person.id, { password: 'another password' }))
    expect(refusal(await overRest.me(person)).code).toBe('UNAUTHENTICATED')
    const refreshed = await rest(server, 'POST /auth/refresh', { body: { refreshToken: person.refreshToken } })
    expect(refreshed.status).toBe(401)
    expect(refusal(await signIn(person.email, person.password)).code).toBe('UNAUTHENTICATED')
    data(await signIn(person.email, 'another password'))
    data(await overRest.me(key))
  })

  test('disabling holds from the next request on, whatever the credential, and ends open streams', async () => {
    const person = await newPerson()
    const key = await apiKey(person, 'tasks:read')
    const stream = await eventStream(server, '/events/stream', person)
    data(await api.updateUser(admin, person.id, { disabled: true }))
    expect(refusal(await overRest.me(person)).code).toBe('UNAUTHENTICATED')
    expect(refusal(await overRest.me(key)).code).toBe('UNAUTHENTICATED')
    expect(refusal(await signIn(person.email, person.password)).code).toBe('UNAUTHENTICATED')
    const refreshed = await rest(server, 'POST /auth/refresh', { body: { refreshToken: person.refreshToken } })
    expect(refreshed.status).toBe(401)
    await until('the stream has ended', () => stream.inbox.ended !== undefined, 1_000)
    data(await api.updateUser(admin, person.id, { disabled: false }))
    data(await signIn(person.email, person.password))
  })

  test('a role holds from the next request on', async () => {
    const person = await newPerson()
    data(await api.updateUser(admin, person.id, { role: 'ADMIN' }))
    data(await api.listUsers(person))
    data(await api.updateUser(admin, person.id, { role: 'MEMBER' }))
    expect(refusal(await api.listUsers(person)).code).toBe('FORBIDDEN')
  })

  test('a deleted user is gone with all that let them in, their work stays, and the log says who did it', async () => {
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
    await until('the stream has ended', () => stream.inbox.ended !== undefined, 1_000)

    expect(data(await overRest.getTask(admin, task.id))).toEqual({ ...task, creatorId: null })
    expect(data(await overRest.getProject(admin, project.id))).toEqual(project)
    const { nodes } = data(await overRest.listEvents(admin, { after: cursor }))
    const removed = { type: 'member.removed', subjectId: person.id, actor: { id: admin.id } }
    expect(nodes).toMatchObject([removed, removed])
    expect(nodes.map((event: { projectId: string }) => event.projectId)).toContain(project.id)
    data(await api.createUser(admin, { ...newAccount(), email: person.email }))
  })

  test('nobody deletes their own account', async () => {
    const other = await newPerson()
    data(await api.updateUser(admin, other.id, { role: 'ADMIN' }))
    for (const id of [other.id, other.id.toUpperCase()]) {
      const refused = refusal(await api.deleteUser(other, id))
      expect(shape(refused), refused.exchange).toEqual({ code: 'CONFLICT', fields: ['id'] })
    }
    data(await overRest.me(other))
  })

  test('the last enabled ADMIN stays one', async () => {
    const fresh = await serverForTest({ RATE_LIMIT: 'off' })
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
    // A disabled ADMIN may go: they were no help.
    expect((await api.deleteUser(first, second.id)).error).toBeUndefined()
  })

  test('of two ADMINs who demote, disable or delete each other at once, one stays', async () => {
    const fresh = await serverForTest({ RATE_LIMIT: 'off' })
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
      if (!(await fresh.db.user.findUnique({ where: { id: other.id } }))) other = await newPerson('Other', fresh)
      await makeAdmin(one, other)
    }
    // Whoever comes later than at once is no ADMIN any more, or not signed in.
    expect(new Set(codes)).toContain('CONFLICT')
    const expected = ['CONFLICT', 'FORBIDDEN', 'UNAUTHENTICATED', undefined]
    expect(codes.filter((code) => !expected.includes(code))).toEqual([])
  })
})
