import { beforeAll, describe, expect, test } from 'vitest'
import { hashPassword } from '../../src/auth/passwords.ts'
import { rest } from '../support/clients.ts'
import { type Caller, data, type Outcome, overRest, refusal } from '../support/operations.ts'
import {
  describePeople,
  newAccount,
  newEmail,
  type PeopleOperations,
  type Person,
  shape,
  signUpAdminAt,
  signUpAt,
} from '../support/people.ts'
import { freshServerForTest, sharedServer, type TestServer } from '../support/server.ts'

const MISSING = '01890000-0000-7000-8000-000000000000'
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

/** Lists the ADMIN-only operations. Each takes the id of any user. */
const ADMIN_OPERATIONS: [string, (api: PeopleOperations, caller: Caller, id: string) => Promise<Outcome>][] = [
  ['listUsers', (api, caller) => api.listUsers(caller)],
  ['getUser', (api, caller, id) => api.getUser(caller, id)],
  ['createUser', (api, caller) => api.createUser(caller, newAccount())],
  ['updateUser', (api, caller, id) => api.updateUser(caller, id, { name: 'Changed' })],
  ['deleteUser', (api, caller, id) => api.deleteUser(caller, id)],
]

describePeople('users', (api) => {
  describe.each(ADMIN_OPERATIONS)('%s', (_name, run) => {
    test('is only for ADMINs, whichever user it targets', async () => {
      const { id } = await newPerson()
      const before = data(await api.getUser(admin, id))
      for (const target of [id, member.id, MISSING]) {
        expect(refusal(await run(api, { url: server.url }, target)).code).toBe('UNAUTHENTICATED')
        expect(refusal(await run(api, member, target)).code).toBe('FORBIDDEN')
      }
      expect(data(await api.getUser(admin, id))).toEqual(before)
      expect((await run(api, admin, id)).error).toBeUndefined()
    })
  })

  test('an ADMIN can create an account that can sign in and has an Inbox', async () => {
    const { email, password } = newAccount()
    const created = data(await api.createUser(admin, { email: ` ${email.toUpperCase()}`, name: ' Ann ', password }))
    expect(created).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}7/),
      email,
      name: 'Ann',
      role: 'MEMBER',
      timeZone: 'UTC',
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

  test('an ADMIN can create another ADMIN', async () => {
    const account = newAccount()
    expect(data(await api.createUser(admin, { ...account, role: 'ADMIN' })).role).toBe('ADMIN')
    const { accessToken: token } = data(await signIn(account.email, account.password))
    data(await api.listUsers({ url: server.url, token }))
  })

  test('a second account with the same address is a CONFLICT, in any letter case and concurrently', async () => {
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
    ['a malformed address', { email: 'ann' }, ['email']],
    ['an address of 255 characters', { email: `${'a'.repeat(243)}@example.org` }, ['email']],
    ['an empty name', { name: ' ' }, ['name']],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, ['name']],
    ['a name with a NUL', { name: 'a\u0000' }, ['name']],
    ['a password of 9 characters', { password: 'kx7#qzv9w' }, ['password']],
    ['a common password', { password: 'Welcome2024!' }, ['password']],
    ['a password of 201 characters', { password: 'x'.repeat(201) }, ['password']],
    ['an unknown role', { role: 'OWNER' }, ['role']],
    ['an unknown field', { disabled: true }, ['disabled']],
    ['several invalid fields', { email: '', name: '', password: '' }, ['email', 'name', 'password']],
  ])('rejects an account with %s', async (what, input, fields) => {
    const whole = what === 'nothing' ? {} : { ...newAccount(), ...input }
    const before = await server.db.user.count()
    const refused = refusal(await api.createUser(admin, whole))
    expect(shape(refused), refused.exchange).toEqual({ code: 'VALIDATION_FAILED', fields })
    expect(await server.db.user.count()).toBe(before)
  })

  test('answers NOT_FOUND for an unknown user and for a malformed id', async () => {
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

  test('lists exactly the users that match the filter, oldest first, in pages both ways and with a count on request', async () => {
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
    expect(await found({ search: `e\u0301mi\u00adle 100% ${mark}` })).toEqual([emile])
    expect(await found({ search: 'emile 100%' })).toContain(emile)
    expect(await found({ search: '\u0301' })).toEqual([])
    expect(await found({ search: `gone-${mark}@EXAMPLE` })).toEqual([gone])
    expect(await found({ search: `_1 ${mark}` })).toEqual([root])
    expect(await found({ search: `%${mark}` })).toEqual([])

    const whole = data(await api.listUsers(admin, { filter: { search: mark }, totalCount: true }))
    expect(whole).toMatchObject({ totalCount: 5, pageInfo: { hasNextPage: false, hasPreviousPage: false } })
    expect(await found({}, { first: 2, after: whole.pageInfo.startCursor })).toEqual([emile, root])
    expect(await found({}, { last: 2, before: whole.pageInfo.endCursor })).toEqual([root, gone])
    expect(await found({}, { first: 2, offset: 3 })).toEqual([gone, rest])
    const oldest = await server.db.user.findFirstOrThrow({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })
    expect(data(await api.listUsers(admin, { first: 1 })).nodes[0].id).toBe(oldest.id)
  })

  test('reports all invalid list arguments at once', async () => {
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
})

test('POST /users returns 201 with the Location of the user, and DELETE 204 without a body', async () => {
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

test('an ADMIN can create accounts when registration is closed', async () => {
  const fresh = await freshServerForTest({ REGISTRATION: 'closed' })
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
  test('never appear in responses or the log, neither passwords nor hashes', async () => {
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
