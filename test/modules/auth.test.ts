import { randomUUID } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { type Caller, data, describeBoth, overGraphql, overRest, refusal } from '../support/operations.ts'
import { ownServerForTest, sharedServer, type TestServer } from '../support/server.ts'

let server: TestServer
let nobody: Caller

beforeAll(async () => {
  server = await sharedServer()
  nobody = { url: server.url }
})

const newAccount = () => ({ email: `${randomUUID()}@example.org`, password: `pass ${randomUUID()}`, name: 'Ada' })
const callerOf = (payload: { accessToken: string }): Caller => ({ url: server.url, token: payload.accessToken })
const withoutIds = (exchange: string) => exchange.replace(/"requestId":"[^"]+"/, '').replace(/.* answered /s, '')

test('the first account on an instance becomes ADMIN and the second becomes MEMBER', async () => {
  const fresh = await ownServerForTest()
  expect(data(await overRest.register(fresh, newAccount())).user.role).toBe('ADMIN')
  expect(data(await overGraphql.register(fresh, newAccount())).user.role).toBe('MEMBER')
})

describeBoth('registration', (api) => {
  test('signs the user in with working tokens and creates an Inbox', async () => {
    const account = newAccount()
    const payload = data(await api.register(nobody, account))
    expect(payload).toEqual({
      accessToken: expect.any(String),
      refreshToken: expect.stringMatching(/^[\w-]{43}$/),
      tokenType: 'Bearer',
      expiresIn: server.config.ACCESS_TOKEN_TTL,
      user: {
        id: expect.any(String),
        email: account.email,
        name: 'Ada',
        role: expect.any(String),
        timeZone: 'UTC',
        version: expect.any(Number),
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
        disabledAt: null,
      },
    })
    expect(data(await api.me(callerOf(payload)))).toEqual(payload.user)
    const { projectId } = data(await api.createTask(callerOf(payload), { title: 'A' }))
    expect(data(await api.getProject(callerOf(payload), projectId)).name).toBe('Inbox')
  })

  test('ignores the case of the email address and rejects a second account with it', async () => {
    const account = newAccount()
    const payload = data(await api.register(nobody, { ...account, email: ` ${account.email.toUpperCase()} ` }))
    expect(payload.user.email).toBe(account.email)
    for (const email of [account.email, account.email.toUpperCase()]) {
      expect(refusal(await api.register(nobody, { ...account, email }))).toMatchObject({
        code: 'CONFLICT',
        fields: ['email'],
      })
      expect(data(await api.signIn(nobody, { email, password: account.password })).user.id).toBe(payload.user.id)
    }
  })

  test('accepts a password in any form of the same characters', async () => {
    const password = `na\u00efve \ufb01ve ${randomUUID()}`
    const forms = (['NFC', 'NFD', 'NFKC', 'NFKD'] as const).map((form) => password.normalize(form))
    expect(new Set(forms).size).toBe(4)
    for (const registered of [forms[0], forms[3]]) {
      const account = { ...newAccount(), password: registered }
      const { user } = data(await api.register(nobody, account))
      for (const typed of forms)
        expect(data(await api.signIn(nobody, { email: account.email, password: typed })).user.id).toBe(user.id)
    }
  })

  test('rejects a look-alike address instead of matching it to the real one', async () => {
    const account = { ...newAccount(), email: `kim.${randomUUID()}@example.org` }
    data(await api.register(nobody, account))
    const alike = account.email.replace('k', '\u212A')
    const refused = refusal(await api.signIn(nobody, { email: alike, password: account.password }))
    expect(refused, refused.exchange).toMatchObject({ code: 'VALIDATION_FAILED', fields: ['email'] })
  })

  test.each<[string, Record<string, unknown>, string[]]>([
    ['a password of 9 characters', { password: 'kx7#qzv9w' }, ['password']],
    ['a password of 9 emoji', { password: '🔑🎹🐙🌵🚲🧲🪁🎲🦉' }, ['password']],
    ['a common password', { password: 'qwertyuiop' }, ['password']],
    ['a password of 201 characters', { password: 'x'.repeat(201) }, ['password']],
    ['a password with a lone surrogate', { password: 'long enough \ud800' }, ['password']],
    ['an address without @', { email: 'ada.example.org' }, ['email']],
    ['an address without a domain', { email: 'ada@' }, ['email']],
    ['an address with a NUL', { email: 'a\u0000da@example.org' }, ['email']],
    ['an address with a KELVIN SIGN', { email: '\u212Aate@example.org' }, ['email']],
    ['a domain with a KELVIN SIGN', { email: 'kate@\u212Aate.org' }, ['email']],
    ['an address with a LONG S', { email: '\u017Fam@example.org' }, ['email']],
    ['an address of 255 characters', { email: `${'a'.repeat(243)}@example.org` }, ['email']],
    ['an empty name', { name: ' ' }, ['name']],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, ['name']],
    ['a name with a NUL', { name: '\u0000' }, ['name']],
    ['a role', { role: 'ADMIN' }, ['role']],
    ['several invalid fields', { email: 'x', password: 'x', name: '' }, ['email', 'name', 'password']],
  ])('rejects %s', async (_what, change, fields) => {
    const before = await server.db.user.count()
    const refused = refusal(await api.register(nobody, { ...newAccount(), ...change }))
    expect({ code: refused.code, fields: refused.fields }, refused.exchange).toEqual({
      code: 'VALIDATION_FAILED',
      fields,
    })
    expect(await server.db.user.count()).toBe(before)
  })
})

test('accepts a password of 10 characters, and one of 200 emoji', async () => {
  data(await overRest.register(nobody, { ...newAccount(), password: 'kx7#qzv9w2' }))
  const account = { ...newAccount(), password: '🔑🎹🐙🌵'.repeat(50) }
  data(await overRest.register(nobody, account))
  data(await overGraphql.signIn(nobody, { email: account.email, password: account.password }))
})

test('POST /auth/register returns 201 with the Location of the account and is not cached', async () => {
  const answer = await rest(server, 'POST /auth/register', { body: newAccount() })
  expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({
    status: 201,
    location: '/api/v1/me',
  })
  expect(answer.headers.get('cache-control')).toBe('no-store')
})

test('rejects registration over REST and GraphQL when the instance is closed', async () => {
  const closed = await ownServerForTest({ REGISTRATION: 'closed' })
  expect(refusal(await overRest.register(closed, newAccount())).code).toBe('FORBIDDEN')
  expect(refusal(await overGraphql.register(closed, newAccount())).code).toBe('FORBIDDEN')
  expect(await closed.db.user.count()).toBe(0)
})

describeBoth('sign-in', (api) => {
  test('opens a new session each time', async () => {
    const account = newAccount()
    const first = data(await api.register(nobody, account))
    const { email, password } = account
    const second = data(await api.signIn(nobody, { email, password }))
    expect(second.user).toEqual(first.user)
    expect(second.refreshToken).not.toBe(first.refreshToken)
    for (const payload of [first, second]) data(await api.me(callerOf(payload)))
  })

  test('gives the same answer for a wrong password, an unknown address and a disabled account', async () => {
    const account = newAccount()
    const { user } = data(await api.register(nobody, account))
    const { email, password } = account
    const shown = async (input: Record<string, string>) => withoutIds(refusal(await api.signIn(nobody, input)).exchange)
    const wrong = await shown({ email, password: 'not the password' })
    expect(wrong).toContain('UNAUTHENTICATED')
    expect(await shown({ email, password: 'x' })).toBe(wrong)
    expect(await shown({ email: `${randomUUID()}@example.org`, password })).toBe(wrong)
    await server.db.user.update({ where: { id: user.id }, data: { disabledAt: new Date() } })
    expect(await shown({ email, password })).toBe(wrong)
  })

  test('names the field when the email address or password is malformed', async () => {
    const refused = refusal(await api.signIn(nobody, { email: 'x' }))
    expect(refused, refused.exchange).toMatchObject({ code: 'VALIDATION_FAILED', fields: ['password'] })
    const other = refusal(await api.signIn(nobody, { email: 'x', password: 'x'.repeat(201) }))
    expect(other, other.exchange).toMatchObject({ code: 'VALIDATION_FAILED', fields: ['email', 'password'] })
  })
})
