import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { type RestAnswer, rest } from '../support/clients.ts'
import { freshServerForTest, sharedServer, signUp, type TestServer, type TestUser } from '../support/server.ts'

let server: TestServer
let user: TestUser

beforeAll(async () => {
  server = await sharedServer()
  user = await signUp(server)
})

const FORM = 'application/x-www-form-urlencoded'

/** Requests tokens like an OAuth client (RFC 6749 4.3.2 and 6). Checks `no-store` (5.1, 5.2). */
async function ask(
  form: Record<string, string> | [string, string][] | string,
  { type = FORM, headers = {}, at = server }: { type?: string; headers?: Record<string, string>; at?: TestServer } = {},
): Promise<RestAnswer> {
  const raw = typeof form === 'string' ? form : String(new URLSearchParams(form))
  const answer = await rest(at, 'POST /auth/token', { raw, headers: { 'content-type': type, ...headers } })
  expect(answer.headers.get('cache-control'), answer.text).toBe('no-store')
  return answer
}

/** Expects an error of RFC 6749 5.2 with only the members that it allows. */
async function expectError(error: string, ...call: Parameters<typeof ask>) {
  const { status, body, text, headers } = await ask(...call)
  expect({ status, error: body?.error }, text).toEqual({ status: 400, error })
  expect(Object.keys(body).filter((key) => !['error', 'error_description', 'error_uri'].includes(key))).toEqual([])
  expect(headers.get('content-type')).toMatch(/^application\/json/)
  expect(headers.get('pragma')).toBe('no-cache')
  // RFC 6749 5.2: printable ASCII without quotes and backslashes.
  expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
}

const password = (change: Record<string, string> = {}) => ({
  grant_type: 'password',
  username: user.email,
  password: user.password,
  ...change,
})

describe('the password grant', () => {
  test('returns working tokens under the names of RFC 6749', async () => {
    const { status, body, headers } = await ask(password())
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: server.config.ACCESS_TOKEN_TTL,
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(headers.get('pragma')).toBe('no-cache')
    expect((await rest(server, 'GET /me', { token: body.access_token })).body.id).toBe(user.id)
  })

  test('accepts an address in any case, a charset and unused parameters', async () => {
    const more = { username: user.email.toUpperCase(), scope: 'tasks:read', client_id: 'swagger', client_secret: 'x' }
    expect((await ask(password(more), { type: `${FORM}; charset=UTF-8` })).status).toBe(200)
    const basic = { authorization: `Basic ${Buffer.from('client:secret').toString('base64')}` }
    expect((await ask(password(), { headers: basic })).status).toBe(200)
  })

  test('accepts a password with characters that forms encode', async () => {
    const odd = { email: `${randomUUID()}@example.org`, password: 'a+b &=%25 é 🔑 +' }
    expect((await rest(server, 'POST /auth/register', { body: { ...odd, name: 'Odd' } })).status).toBe(201)
    expect((await ask(password({ username: odd.email, password: odd.password }))).status).toBe(200)
  })

  test.each<[string, () => Record<string, string>]>([
    ['a wrong password', () => password({ password: 'not the password' })],
    ['an unknown address', () => password({ username: `${randomUUID()}@example.org` })],
  ])('rejects %s with invalid_grant', async (_what, form) => {
    await expectError('invalid_grant', form())
  })

  test('rejects a disabled account like a wrong password', async () => {
    const gone = await signUp(server)
    await server.db.user.update({ where: { id: gone.id }, data: { disabledAt: new Date() } })
    const answer = await ask(password({ username: gone.email, password: gone.password }))
    expect(answer.body).toEqual((await ask(password({ password: 'not the password' }))).body)
  })

  test.each<[string, Record<string, string>]>([
    ['no username', { username: '' }],
    // RFC 6749 3.2: a parameter without a value counts as omitted.
    ['no password', { password: '' }],
    ['no grant_type', { grant_type: '' }],
    ['a username that is not an address', { username: 'ada' }],
    ['a password with a NUL', { password: '\u0000' }],
    ['a password of 201 characters', { password: 'x'.repeat(201) }],
  ])('rejects %s with invalid_request', async (_what, change) => {
    await expectError('invalid_request', password(change))
  })
})

describe('the refresh grant', () => {
  test('exchanges a refresh token only once', async () => {
    const first = (await ask(password())).body
    const form = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
    const { status, body } = await ask(form)
    expect(status).toBe(200)
    expect((await rest(server, 'GET /me', { token: body.access_token })).status).toBe(200)
    await expectError('invalid_grant', form)
    // Reusing the token has ended the session.
    expect((await rest(server, 'GET /me', { token: body.access_token })).status).toBe(401)
  })

  test('shares its sessions with the JSON API', async () => {
    const first = (await ask(password())).body
    const { status, body } = await rest(server, 'POST /auth/refresh', { body: { refreshToken: first.refresh_token } })
    expect(status).toBe(200)
    expect((await ask({ grant_type: 'refresh_token', refresh_token: body.refreshToken })).status).toBe(200)
  })

  test.each<[string, string, string]>([
    ['an unknown token', 'A'.repeat(43), 'invalid_grant'],
    ['an access token', 'x.y.z', 'invalid_grant'],
    ['an empty token', '', 'invalid_request'],
    ['an oversized token', 'A'.repeat(501), 'invalid_request'],
  ])('rejects %s', async (_what, refresh_token, error) => {
    await expectError(error, { grant_type: 'refresh_token', refresh_token })
  })
})

describe('an invalid request', () => {
  test.each<[string, Parameters<typeof ask>]>([
    ['no grant_type', [{ username: 'ada@example.org', password: 'x' }]],
    ['an empty body', ['']],
    ['JSON', [JSON.stringify({ grant_type: 'password' }), { type: 'application/json' }]],
    ['plain text', ['grant_type=password', { type: 'text/plain' }]],
    ['multipart', ['--x--', { type: 'multipart/form-data; boundary=x' }]],
    ['a longer type', ['grant_type=password', { type: `${FORM}x` }]],
  ])('is invalid_request: %s', async (_what, call) => {
    await expectError('invalid_request', ...call)
  })

  test.each(['grant_type', 'username', 'password', 'scope', 'refresh_token'])(
    'is invalid_request: %s twice',
    async (name) => {
      const form = Object.entries(password({ scope: 'x', refresh_token: 'x' }))
      await expectError('invalid_request', [...form, form.find(([key]) => key === name)!])
    },
  )

  test('is invalid_request: a repeated parameter whose name may not appear in a description', async () => {
    await expectError('invalid_request', 'grant_type=password&%22%C3%A9%5C=1&%22%C3%A9%5C=2')
  })

  test.each(['authorization_code', 'client_credentials', 'implicit', 'PASSWORD', '__proto__'])(
    'is unsupported_grant_type: %s',
    async (grant_type) => {
      await expectError('unsupported_grant_type', password({ grant_type }))
    },
  )

  test('is invalid_request: parameters in the query string', async () => {
    const query = String(new URLSearchParams(password()))
    const answer = await rest(server, `POST /auth/token?${query}`, { raw: '', headers: { 'content-type': FORM } })
    expect(answer.body).toMatchObject({ error: 'invalid_request' })
    expect((await rest(server, `GET /auth/token?${query}`)).status).toBe(405)
  })
})

test('wrong passwords count together with other sign-ins and lead to 429 with Retry-After', async () => {
  const limited = await freshServerForTest()
  const victim = await signUp(limited)
  const form = { grant_type: 'password', username: victim.email, password: 'wrong' }
  for (let attempt = 0; attempt < 5; attempt++) await expectError('invalid_grant', form, { at: limited })
  for (let attempt = 0; attempt < 5; attempt++) {
    const body = { email: victim.email, password: 'wrong' }
    expect((await rest(limited, 'POST /auth/sign-in', { body })).status).toBe(401)
  }
  for (const tried of ['wrong', victim.password]) {
    const { status, headers, text } = await ask({ ...form, password: tried }, { at: limited })
    expect(status, text).toBe(429)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
  }
})

test('an oversized body is rejected with 413', async () => {
  const { status } = await ask(`grant_type=password&password=${'x'.repeat(server.config.BODY_LIMIT)}`)
  expect(status).toBe(413)
})
