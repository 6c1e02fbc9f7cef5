import { afterAll, beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type Caller, data, overRest, refusal } from '../support/operations.ts'
import { apiKey, describePeople, newEmail, type Person, shape, signUpAt } from '../support/people.ts'
import { serverForTest, type TestServer, testServer } from '../support/server.ts'

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
