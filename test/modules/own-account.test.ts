import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type Caller, data, overRest, refusal } from '../support/operations.ts'
import { apiKey, describePeople, newEmail, type Person, shape, signUpAdminAt, signUpAt } from '../support/people.ts'
import { freshServerForTest, sharedServer, type TestServer } from '../support/server.ts'

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

describePeople('the viewer’s own account', (api) => {
  test('can be renamed without the password', async () => {
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

  test('can change its email address with the password, and signs in with the new one', async () => {
    const person = await newPerson()
    const email = newEmail()
    const input = { email: email.toUpperCase(), currentPassword: person.password, name: 'Both' }
    expect(data(await api.updateMe(person, input))).toMatchObject({ email, name: 'Both', version: 2 })
    data(await signIn(email, person.password))
    expect(refusal(await signIn(person.email, person.password)).code).toBe('UNAUTHENTICATED')
    data(await overRest.me(person))
  })

  test('keeps its address if the password is wrong or the new address is taken', async () => {
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
    ['a malformed address', { email: 'a', currentPassword: 'x' }, ['email']],
    ['an empty name', { name: ' ' }, ['name']],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, ['name']],
    ['null fields', { name: null, email: null }, ['email', 'name']],
    ['a long password', { email: 'a@example.org', currentPassword: 'x'.repeat(201) }, ['currentPassword']],
    ['a role', { role: 'ADMIN' }, ['role']],
    ['several invalid fields', { name: '', email: 'a' }, ['currentPassword', 'email', 'name']],
  ])('rejects a change with %s', async (_what, input, fields) => {
    const refused = refusal(await api.updateMe(member, input))
    expect(shape(refused), refused.exchange).toEqual({ code: 'VALIDATION_FAILED', fields })
    expect(data(await overRest.me(member))).toMatchObject({ name: 'Member', role: 'MEMBER', version: 1 })
  })

  test('changes only from the expected version', async () => {
    const person = await newPerson()
    data(await api.updateMe(person, { name: 'Second' }, 1))
    const refused = refusal(await api.updateMe(person, { name: 'Third' }, 1))
    expect(shape(refused), refused.exchange).toEqual({ code: 'PRECONDITION_FAILED', fields: ['expectedVersion'] })
    expect(data(await overRest.me(person)).name).toBe('Second')
  })

  test('cannot be changed when signed out or with an API key', async () => {
    expect(refusal(await api.updateMe({ url: server.url }, { name: 'A' })).code).toBe('UNAUTHENTICATED')
    const key = await apiKey(admin, 'admin', 'projects:write')
    expect(refusal(await api.updateMe(key, { name: 'A' })).code).toBe('FORBIDDEN')
  })

  test('limits password guesses made with a stolen token', async () => {
    const fresh = await freshServerForTest()
    const person = await newPerson('Victim', fresh)
    const attempts = Array.from({ length: 15 }, () =>
      api.updateMe(person, { email: newEmail(), currentPassword: 'wrong' }),
    )
    const codes = (await Promise.all(attempts)).map((outcome) => refusal(outcome).code).sort()
    expect(codes).toEqual([...Array(10).fill('FORBIDDEN'), ...Array(5).fill('RATE_LIMITED')])
  })

  test('shows its address and disabledAt only to itself and to ADMINs', async () => {
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
