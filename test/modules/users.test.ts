import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashPassword } from '../../src/auth/passwords.ts'
import { eventStream, rest } from '../support/clients.ts'
import { type Caller, data, type Outcome, overRest, refusal } from '../support/operations.ts'
import { describePeople, type PeopleOperations } from '../support/people.ts'
import { serverForTest, signUp, type TestServer, type TestUser, testServer } from '../support/server.ts'
import { until } from '../support/wait.ts'

const MISSING = '01890000-0000-7000-8000-000000000000'
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
/** As the gateway's errors of one problem name it. */
const shape = ({ code, fields }: { code: string; fields: string[] }) => ({ code, fields })

type Person = Caller & TestUser

let server: TestServer
let admin: Person
let member: Person

beforeAll(async () => {
  server = await testServer({ RATE_LIMIT: 'off' })
  admin = await newPerson('Administrator')
  member = await newPerson('Member')
})
afterAll(() => server?.close())

async function newPerson(name = 'Test Person', at: { url: string } = server): Promise<Person> {
  return { ...(await signUp(at, name)), url: at.url }
}

const newEmail = () => `${crypto.randomUUID()}@example.org`
const newAccount = () => ({ email: newEmail(), name: 'New Person', password: `password ${crypto.randomUUID()}` })
const signIn = (email: string, password: string) => overRest.signIn({ url: server.url }, { email, password })

async function apiKey(owner: Person, ...scopes: string[]): Promise<Caller> {
  const { body } = await rest(owner, 'POST /api-keys', { token: owner.token, body: { name: 'A key', scopes } })
  return { url: owner.url, token: body.secret }
}

/** What each operation of ADMINs is; called with somebody's id. */
const ADMIN_OPERATIONS: [string, (api: PeopleOperations, caller: Caller, id: string) => Promise<Outcome>][] = [
  ['listUsers', (api, caller) => api.listUsers(caller)],
  ['getUser', (api, caller, id) => api.getUser(caller, id)],
  ['createUser', (api, caller) => api.createUser(caller, newAccount())],
  ['updateUser', (api, caller, id) => api.updateUser(caller, id, { name: 'Changed' })],
  ['deleteUser', (api, caller, id) => api.deleteUser(caller, id)],
]

describePeople('users', (api) => {
  describe.each(ADMIN_OPERATIONS)('%s', (_name, run) => {
    test('is for ADMINs alone, whoever it is about', async () => {
      const { id } = await newPerson()
      const before = data(await api.getUser(admin, id))
      for (const target of [id, member.id, MISSING]) {
        expect(refusal(await run(api, { url: server.url }, target)).code).toBe('UNAUTHENTICATED')
        expect(refusal(await run(api, member, target)).code).toBe('FORBIDDEN')
      }
      expect(data(await api.getUser(admin, id))).toEqual(before)
      expect((await run(api, admin, id)).error).toBeUndefined()
    })

    test('needs the scope admin of an ADMIN’s key, and is for no other key', async () => {
      const { id } = await newPerson()
      const others = ['tasks:read', 'tasks:write', 'projects:read', 'projects:write']
      expect(refusal(await run(api, await apiKey(admin, ...others), id)).code).toBe('FORBIDDEN')
      expect(refusal(await run(api, await apiKey(member, ...others), id)).code).toBe('FORBIDDEN')
      expect((await run(api, await apiKey(admin, 'admin'), id)).error).toBeUndefined()
    })
  })

  test('an ADMIN makes an account, who can sign in and has an Inbox', async () => {
    const { email, password } = newAccount()
    const created = data(await api.createUser(admin, { email: ` ${email.toUpperCase()}`, name: ' Ann ', password }))
    expect(created).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}7/),
      email,
      name: 'Ann',
      role: 'MEMBER',
      disabledAt: null,
      version: 1,
      createdAt: expect.stringMatching(INSTANT),
      updatedAt: expect.stringMatching(INSTANT),
    })
    expect(data(await api.getUser(admin, created.id))).toEqual(created)
    expect(await server.db.session.count({ where: { userId: created.id } })).toBe(0)

    const { accessToken: token, user } = data(await signIn(email, password))
    expect(user).toEqual(created)
    const { nodes } = data(await overRest.listProjects({ url: server.url, token }))
    expect(nodes.map((project: { name: string }) => project.name)).toEqual(['Inbox'])
    const task = data(await overRest.createTask({ url: server.url, token }, { title: 'A' }))
    expect(task.projectId).toBe(nodes[0].id)
  })

  test('an ADMIN makes another ADMIN', async () => {
    const account = newAccount()
    expect(data(await api.createUser(admin, { ...account, role: 'ADMIN' })).role).toBe('ADMIN')
    const { accessToken: token } = data(await signIn(account.email, account.password))
    data(await api.listUsers({ url: server.url, token }))
  })

  test('of two accounts with one address the second is a CONFLICT, in any case of letters and at once', async () => {
    const { email, ...account } = newAccount()
    const outcomes = await Promise.all(
      [email, email.toUpperCase(), email].map((one) => api.createUser(admin, { ...account, email: one })),
    )
    outcomes.push(await api.createUser(admin, { ...account, email }))
    const refused = outcomes.filter((outcome) => outcome.error).map(refusal)
    expect(refused.map(shape)).toEqual(Array(3).fill({ code: 'CONFLICT', fields: ['email'] }))
    expect(await server.db.user.count({ where: { email } })).toBe(1)
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    ['nothing', {}, ['email', 'name', 'password']],
    ['no e-mail address', { email: 'ann' }, ['email']],
    ['an address of 255 characters', { email: `${'a'.repeat(243)}@example.org` }, ['email']],
    ['an empty name', { name: ' ' }, ['name']],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, ['name']],
    ['a name with a NUL', { name: 'a\u0000' }, ['name']],
    ['a password of 7 characters', { password: '1234567' }, ['password']],
    ['a password of 201 characters', { password: 'x'.repeat(201) }, ['password']],
    ['a role there is not', { role: 'OWNER' }, ['role']],
    ['an unknown field', { disabled: true }, ['disabled']],
    ['several', { email: '', name: '', password: '' }, ['email', 'name', 'password']],
  ])('an account with %s is refused', async (what, input, fields) => {
    const whole = what === 'nothing' ? {} : { ...newAccount(), ...input }
    const before = await server.db.user.count()
    const refused = refusal(await api.createUser(admin, whole))
    expect(shape(refused), refused.exchange).toEqual({ code: 'VALIDATION_FAILED', fields })
    expect(await server.db.user.count()).toBe(before)
  })

  test('whoever is not there is NOT_FOUND, and what is no id as well', async () => {
    for (const id of [MISSING, 'nobody', '%00']) {
      for (const outcome of [
        await api.getUser(admin, id),
        await api.updateUser(admin, id, { name: 'A' }),
        await api.updateUser(admin, id, { name: 'A' }, 1),
        await api.deleteUser(admin, id),
      ]) {
        const refused = refusal(outcome)
        expect(shape(refused), refused.exchange).toEqual({ code: 'NOT_FOUND', fields: ['id'] })
      }
    }
  })

  test('the list has exactly those who meet the filter, oldest first, in pages both ways, counted on request', async () => {
    const mark = crypto.randomUUID().slice(0, 8)
    const make = async (name: string, more: object = {}) =>
      data(await api.createUser(admin, { ...newAccount(), name: `${name} ${mark}`, ...more })).id as string
    const ann = await make('Ann')
    const emile = await make('ÉMILE 100%')
    const root = await make('Root_1', { role: 'ADMIN' })
    const gone = await make('Gone', { email: `GONE-${mark}@example.org` })
    const rest = await make('Root_2', { role: 'ADMIN' })
    for (const id of [gone, rest]) data(await api.updateUser(admin, id, { disabled: true }))

    const found = async (filter: object, paging: object = {}) =>
      data(await api.listUsers(admin, { filter: { search: mark, ...filter }, ...paging })).nodes.map(
        (user: { id: string }) => user.id,
      )
    expect(await found({})).toEqual([ann, emile, root, gone, rest])
    expect(await found({ role: 'ADMIN' })).toEqual([root, rest])
    expect(await found({ role: 'MEMBER' })).toEqual([ann, emile, gone])
    expect(await found({ disabled: true })).toEqual([gone, rest])
    expect(await found({ disabled: false })).toEqual([ann, emile, root])
    expect(await found({ disabled: true, role: 'ADMIN' })).toEqual([rest])
    expect(await found({ search: ` émile 100% ${mark.toUpperCase()} ` })).toEqual([emile])
    expect(await found({ search: `gone-${mark}@EXAMPLE` })).toEqual([gone])
    expect(await found({ search: `_1 ${mark}` })).toEqual([root])
    expect(await found({ search: `%${mark}` })).toEqual([])

    const whole = data(await api.listUsers(admin, { filter: { search: mark }, totalCount: true }))
    expect(whole).toMatchObject({ totalCount: 5, pageInfo: { hasNextPage: false, hasPreviousPage: false } })
    expect(await found({}, { first: 2, after: whole.pageInfo.startCursor })).toEqual([emile, root])
    expect(await found({}, { last: 2, before: whole.pageInfo.endCursor })).toEqual([root, gone])
    expect(await found({}, { first: 2, offset: 3 })).toEqual([gone, rest])
    expect(data(await api.listUsers(admin, { first: 1 })).nodes[0].id).toBe(admin.id)
  })

  test('the list tells all that is wrong with its arguments at once', async () => {
    const refused = refusal(await api.listUsers(admin, { filter: { search: ' ' }, first: 101, offset: -1 }))
    expect(shape(refused), refused.exchange).toEqual({
      code: 'VALIDATION_FAILED',
      fields: ['limit', 'offset', 'search'],
    })
    const misshapen = refusal(await api.listUsers(admin, { filter: { role: 'OWNER', disabled: 'maybe' } }))
    expect(shape(misshapen), misshapen.exchange).toEqual({ code: 'VALIDATION_FAILED', fields: ['disabled', 'role'] })
    expect(refusal(await api.listUsers(admin, { after: 'nonsense' })).fields).toEqual(['after'])
    expect(refusal(await api.listUsers(admin, { filter: { search: 'x'.repeat(255) } })).fields).toEqual(['search'])
  })

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

describePeople('the own account', (api) => {
  test('is renamed without a password', async () => {
    const person = await newPerson('Before')
    const before = data(await overRest.me(person))
    expect(data(await api.updateMe(person, {}))).toEqual(before)
    expect(data(await api.updateMe(person, { name: ' After ' }))).toEqual({
      ...before,
      name: 'After',
      version: 2,
      updatedAt: expect.stringMatching(INSTANT),
    })
  })

  test('gets another address with the password, and signs in with it', async () => {
    const person = await newPerson()
    const email = newEmail()
    const input = { email: email.toUpperCase(), currentPassword: person.password, name: 'Both' }
    expect(data(await api.updateMe(person, input))).toMatchObject({ email, name: 'Both', version: 2 })
    data(await signIn(email, person.password))
    expect(refusal(await signIn(person.email, person.password)).code).toBe('UNAUTHENTICATED')
    data(await overRest.me(person))
  })

  test('keeps its address where the password is wrong or another account has the address', async () => {
    const person = await newPerson()
    const wrong = refusal(await api.updateMe(person, { email: newEmail(), name: 'No', currentPassword: 'wrong' }))
    expect(shape(wrong), wrong.exchange).toEqual({ code: 'FORBIDDEN', fields: ['currentPassword'] })
    const input = { email: member.email.toUpperCase(), name: 'No', currentPassword: person.password }
    const conflict = refusal(await api.updateMe(person, input))
    expect(shape(conflict), conflict.exchange).toEqual({ code: 'CONFLICT', fields: ['email'] })
    expect(data(await overRest.me(person))).toMatchObject({ email: person.email, name: 'Test Person', version: 1 })
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    ['an address without the password', { email: 'a@example.org' }, ['currentPassword']],
    ['no address', { email: 'a', currentPassword: 'x' }, ['email']],
    ['an empty name', { name: ' ' }, ['name']],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, ['name']],
    ['nothing cleared', { name: null, email: null }, ['email', 'name']],
    ['a long password', { email: 'a@example.org', currentPassword: 'x'.repeat(201) }, ['currentPassword']],
    ['a role', { role: 'ADMIN' }, ['role']],
    ['several', { name: '', email: 'a' }, ['currentPassword', 'email', 'name']],
  ])('with %s is refused', async (_what, input, fields) => {
    const refused = refusal(await api.updateMe(member, input))
    expect(shape(refused), refused.exchange).toEqual({ code: 'VALIDATION_FAILED', fields })
    expect(data(await overRest.me(member))).toMatchObject({ name: 'Member', role: 'MEMBER', version: 1 })
  })

  test('is changed only from the version that is expected', async () => {
    const person = await newPerson()
    data(await api.updateMe(person, { name: 'Second' }, 1))
    const refused = refusal(await api.updateMe(person, { name: 'Third' }, 1))
    expect(shape(refused), refused.exchange).toEqual({ code: 'PRECONDITION_FAILED', fields: ['expectedVersion'] })
    expect(data(await overRest.me(person)).name).toBe('Second')
  })

  test('is changed by a person, not signed out and with no API key', async () => {
    expect(refusal(await api.updateMe({ url: server.url }, { name: 'A' })).code).toBe('UNAUTHENTICATED')
    const key = await apiKey(admin, 'admin', 'projects:write')
    expect(refusal(await api.updateMe(key, { name: 'A' })).code).toBe('FORBIDDEN')
  })

  test('does not let a stolen token guess the password', async () => {
    const fresh = await serverForTest()
    const person = await newPerson('Victim', fresh)
    const attempts = Array.from({ length: 15 }, () =>
      api.updateMe(person, { email: newEmail(), currentPassword: 'wrong' }),
    )
    const codes = (await Promise.all(attempts)).map((outcome) => refusal(outcome).code).sort()
    expect(codes).toEqual([...Array(10).fill('FORBIDDEN'), ...Array(5).fill('RATE_LIMITED')])
  })

  test('shows when it was disabled, and its address, to itself and to ADMINs alone', async () => {
    const [author, reader] = [await newPerson('Author'), await newPerson('Reader')]
    const { id: projectId } = data(await overRest.createProject(author, { name: 'Shared' }))
    data(await api.addMember(author, projectId, { email: reader.email, role: 'VIEWER' }))
    const { id } = data(await overRest.createTask(author, { projectId, title: 'A' }))
    const seenBy = async ({ token }: Caller) =>
      (await rest(server, `GET /tasks/${id}?include=creator`, { token })).body.creator
    expect(await seenBy(author)).toMatchObject({ name: 'Author', email: author.email, disabledAt: null })
    const { disabledAt } = data(await api.updateUser(admin, author.id, { disabled: true }))
    expect(await seenBy(admin)).toMatchObject({ name: 'Author', email: author.email, disabledAt })
    expect(await seenBy(reader)).toMatchObject({ id: author.id, name: 'Author', email: null, disabledAt: null })
  })
})

test('POST /users answers 201 with the Location of the user, and DELETE 204 with nothing', async () => {
  const { token } = admin
  const created = await rest(server, 'POST /users?fields=name', { token, body: newAccount() })
  const location = created.headers.get('location') ?? ''
  expect({ status: created.status, body: created.body }).toEqual({ status: 201, body: { name: 'New Person' } })
  expect(location).toMatch(/^\/api\/v1\/users\/[0-9a-f-]{36}$/)
  const path = location.replace('/api/v1', '')
  const read = await rest(server, `GET ${path}`, { token })
  expect({ status: read.status, etag: read.headers.get('etag') }).toEqual({
    status: 200,
    etag: expect.stringMatching(/^"v1\./),
  })
  const deleted = await rest(server, `DELETE ${path}`, { token })
  expect({ status: deleted.status, text: deleted.text }).toEqual({ status: 204, text: '' })
})

test('an ADMIN makes accounts where registration is closed', async () => {
  const fresh = await serverForTest({ REGISTRATION: 'closed' })
  const passwordHash = await hashPassword('correct horse')
  const email = newEmail()
  await fresh.db.user.create({ data: { email, name: 'Root', passwordHash, role: 'ADMIN' } })
  const { accessToken: token } = data(await overRest.signIn(fresh, { email, password: 'correct horse' }))
  expect((await rest(fresh, 'POST /auth/register', { body: newAccount() })).status).toBe(403)
  const account = newAccount()
  expect((await rest(fresh, 'POST /users', { token, body: account })).status).toBe(201)
  data(await overRest.signIn(fresh, { email: account.email, password: account.password }))
})

describePeople('secrets', (api) => {
  test('no password and no hash is in an answer or a line of the log', async () => {
    const secret = `secret-${crypto.randomUUID()}`
    const person = await newPerson()
    const outcomes = [
      await api.createUser(admin, { ...newAccount(), password: secret }),
      await api.createUser(admin, { email: 'no', name: '', password: secret }),
      await api.createUser(admin, { ...newAccount(), email: person.email, password: secret }),
      await api.updateUser(admin, person.id, { password: `${secret}${'x'.repeat(200)}` }),
      await api.updateUser(admin, MISSING, { password: secret }),
      await api.updateMe(person, { email: newEmail(), currentPassword: secret }),
      await api.updateMe(person, { email: member.email, currentPassword: person.password }),
      await api.updateUser(admin, person.id, { password: secret }),
      await api.listUsers(admin, { first: 100 }),
    ]
    const answers = outcomes.map(({ exchange }) => exchange.slice(exchange.indexOf(' answered ')))
    for (const text of [...answers, JSON.stringify(server.log.lines)]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(person.password)
      expect(text).not.toMatch(/argon2|passwordHash/)
    }
  })
})
