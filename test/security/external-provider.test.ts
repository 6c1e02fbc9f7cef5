import { createHmac, randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { briefLife } from '../support/brief.ts'
import { graphql, rest } from '../support/clients.ts'
import { DOORS, type DoorName, knock, openedOrBroken } from '../support/doors.ts'
import { AUDIENCE, ISSUER, makeKey, openProvider, type ProviderKey, providerToken } from '../support/provider.ts'
import { freshServerForTest, type OwnServer, ownServer, signUp, type TestUser } from '../support/server.ts'
import { openSocket } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

type Provider = Awaited<ReturnType<typeof openProvider>>

let provider: Provider
let server: OwnServer
let rsa: ProviderKey
let ec: ProviderKey
let user: TestUser

beforeAll(async () => {
  provider = await openProvider()
  rsa = provider.publish(await makeKey('RS256', 'rsa-1'))
  ec = provider.publish(await makeKey('ES256', 'ec-1'))
  server = await ownServer(provider.settings)
  user = await signUp(server)
})
afterAll(async () => {
  await server?.close()
  await provider?.close()
})

const errors = () => server.log.lines.filter(({ level }) => level === 'error')
beforeEach(() => void server.log.lines.splice(0))

const verified = (email: string, change: JWTPayload = {}): JWTPayload => ({
  sub: randomUUID(),
  email,
  email_verified: true,
  ...change,
})
const meOf = async (token: string, at: OwnServer = server) => (await rest(at, 'GET /me', { token })).body
/** Expects every door to reject the token, without an error in the log. */
async function expectRefused(token: string) {
  expect(openedOrBroken(await knock(server, token, user.token)), token).toEqual({})
  expect(errors()).toEqual([])
}

test.each(['RS256', 'ES256'])('a token signed with %s is accepted wherever access tokens are', async (alg) => {
  const token = await providerToken(alg === 'RS256' ? rsa : ec, verified(user.email))
  const answers = await knock(server, token, user.token)
  const closed: DoorName[] = ['REST stream by ticket', 'websocket, apiKey', 'renewConnection', 'refresh token']
  const open = (Object.keys(DOORS) as DoorName[]).filter((name) => !closed.includes(name))
  expect(open.filter((name) => answers[name] !== undefined)).toEqual([])
  expect((await meOf(token)).id).toBe(user.id)
})

describe('a subject of the provider', () => {
  test('is matched by verified e-mail at first, in any case, and by its own id afterwards', async () => {
    const person = await signUp(server)
    const sub = randomUUID()
    expect((await meOf(await providerToken(rsa, verified(person.email.toUpperCase(), { sub })))).id).toBe(person.id)
    // Both addresses change, at the provider and here; neither matters any more.
    const moved = `${randomUUID()}@example.org`
    await server.db.user.update({ where: { id: person.id }, data: { email: `${randomUUID()}@example.org` } })
    expect((await meOf(await providerToken(rsa, verified(moved, { sub })))).id).toBe(person.id)
    expect((await meOf(await providerToken(ec, { sub }))).id).toBe(person.id)
  })

  test('stays linked to its account, even if its address now belongs to another', async () => {
    const [first, second] = [await signUp(server), await signUp(server)]
    const sub = randomUUID()
    await meOf(await providerToken(rsa, verified(first.email, { sub })))
    expect((await meOf(await providerToken(rsa, verified(second.email, { sub })))).id).toBe(first.id)
  })

  test('is linked once when its first tokens arrive concurrently', async () => {
    const person = await signUp(server)
    const token = await providerToken(rsa, verified(person.email))
    const found = await Promise.all(Array.from({ length: 20 }, () => meOf(token)))
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set([person.id]))
    expect(await server.db.identity.count({ where: { userId: person.id } })).toBe(1)
  })

  test('is never matched by an unverified address', async () => {
    for (const email_verified of [false, undefined, 'true', 1, null]) {
      await expectRefused(await providerToken(rsa, verified(user.email, { email_verified })))
    }
  })

  test('is never matched by an address that differs in Unicode case folding or white space', async () => {
    const email = `kim.${randomUUID()}@example.org`
    const body = { email, password: 'a long password', name: 'Kim' }
    expect((await rest(server, 'POST /auth/register', { body })).status).toBe(201)
    for (const other of [email.replace('k', '\u212A'), ` ${email}`, `${email}\u00a0`, `\ufeff${email}`]) {
      await expectRefused(await providerToken(rsa, verified(other)))
    }
    expect((await meOf(await providerToken(rsa, verified(email.toUpperCase())))).email).toBe(email)
  })

  test('without an account is rejected and gets none', async () => {
    const before = await server.db.user.count()
    await expectRefused(await providerToken(rsa, verified(`${randomUUID()}@example.org`)))
    await expectRefused(await providerToken(rsa, { sub: randomUUID() }))
    expect(await server.db.user.count()).toBe(before)
  })

  test('with a disabled or deleted account is rejected, linked or not', async () => {
    for (const linked of [true, false]) {
      const [disabled, deleted] = [await signUp(server), await signUp(server)]
      const tokens = await Promise.all([disabled, deleted].map(({ email }) => providerToken(rsa, verified(email))))
      if (linked) for (const token of tokens) expect((await meOf(token)).id).toBeTruthy()
      await server.db.user.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } })
      await server.db.user.delete({ where: { id: deleted.id } })
      for (const token of tokens) await expectRefused(token)
    }
  })
})

describe('every door rejects a provider token with', () => {
  const now = () => Math.floor(Date.now() / 1000)
  test.each<[string, () => JWTPayload, object?]>([
    ['another issuer', () => ({ iss: 'https://attacker.example' })],
    ['its issuer with a trailing slash', () => ({ iss: `${ISSUER}/` })],
    ['no issuer', () => ({ iss: undefined })],
    ['another audience', () => ({ aud: 'another application' })],
    ['no audience', () => ({ aud: undefined })],
    ['our own issuer and audience', () => ({ iss: 'taskwire', aud: 'taskwire' })],
    ['an expiry in the past', () => ({ exp: now() - 1 })],
    ['no expiry', () => ({ exp: undefined })],
    ['a start in the future', () => ({ nbf: now() + 60 })],
    ['no subject', () => ({ sub: undefined })],
    ['a subject with a NUL', () => ({ sub: 'a\u0000b' })],
    ['an empty subject', () => ({ sub: '' })],
    ['an address with a NUL', () => ({ email: 'a\u0000@example.org' })],
    ['an unknown kid', () => ({}), { kid: 'nobody knows' }],
  ])('%s', async (_what, change, header) => {
    await expectRefused(await providerToken(rsa, verified(user.email, change()), header))
  })

  test('a foreign key under its kid', async () => {
    const foreign = await makeKey('RS256', rsa.kid)
    await expectRefused(await providerToken(foreign, verified(user.email)))
  })

  test('an unsupported algorithm or mismatched key', async () => {
    const pss = await makeKey('PS256', 'pss-1')
    onTestFinished(() => provider.withdraw(pss))
    provider.publish(pss)
    await expectRefused(await providerToken(pss, verified(user.email)))
    await expectRefused(await providerToken({ ...ec, kid: rsa.kid }, verified(user.email)))
  })

  test('HS256 signed with the provider’s public key, or alg none', async () => {
    const claims = { iss: ISSUER, aud: AUDIENCE, exp: now() + 300, ...verified(user.email) }
    const own = { ...claims, iss: 'taskwire', aud: 'taskwire', sid: randomUUID() }
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    for (const payload of [claims, own]) {
      for (const secret of [rsa.pem, rsa.pem.trim(), JSON.stringify(rsa.jwk)]) {
        const signed = `${encode({ alg: 'HS256', typ: 'JWT', kid: rsa.kid })}.${encode(payload)}`
        await expectRefused(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`)
      }
      await expectRefused(`${encode({ alg: 'none', kid: rsa.kid })}.${encode(payload)}.`)
    }
  })
})

test('a token of the provider opens no session here: no ticket, no sign-out, and its streams end when it expires', async () => {
  const open = (token: string) => openSocket(server, { authorization: `Bearer ${token}` })
  const life = await briefLife(async () => open(await providerToken(ec, verified(user.email))))
  const exp = Math.floor(Date.now() / 1000) + life + 1
  const token = await providerToken(ec, verified(user.email, { exp }))
  const socket = await open(token)
  const inbox = socket.follow('subscription { taskEvents { cursor } }')
  expect((await rest(server, 'POST /auth/stream-ticket', { token })).status).toBe(403)
  expect((await rest(server, 'POST /auth/sign-out', { token })).status).toBe(403)
  await until('it is closed', () => socket.closing !== undefined)
  expect(socket.closing?.code).toBe(4403)
  expect(inbox.ended).toBeDefined()
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000 - 5)
})

test('an unknown kid makes the server fetch the keys, at most once per cool-down', async () => {
  const own = await openProvider()
  onTestFinished(() => own.close())
  const first = own.publish(await makeKey('RS256', 'first'))
  const at = await freshServerForTest(own.settings)
  const { email, id } = await signUp(at)
  const claims = verified(email)
  expect((await meOf(await providerToken(first, claims), at)).id).toBe(id)
  // The cool-down runs from the last fetch, so only a fresh server sees the new key at once.
  const later = await freshServerForTest(own.settings)
  const person = await signUp(later)
  const second = own.publish(await makeKey('ES256', 'second'))
  own.withdraw(first)
  expect((await meOf(await providerToken(second, verified(person.email)), later)).id).toBe(person.id)
  expect((await meOf(await providerToken(first, verified(person.email)), later)).code).toBe('UNAUTHENTICATED')
  const before = own.fetches
  const strange = await Promise.all(
    Array.from({ length: 30 }, (_, index) => providerToken(first, claims, { kid: `unknown ${index}` })),
  )
  const answers = await Promise.all(strange.map((token) => meOf(token, later)))
  for (const { code } of answers) expect(code).toBe('UNAUTHENTICATED')
  expect(own.fetches - before).toBeLessThanOrEqual(1)
})

test('while the provider is down, its tokens are UNAUTHENTICATED, ours work, and the server retries later', async () => {
  const own = await openProvider()
  onTestFinished(() => own.close())
  const key = own.publish(await makeKey('RS256', 'only'))
  await own.goDown()
  const at = await freshServerForTest(own.settings)
  const { email, id, token } = await signUp(at)
  const foreign = await providerToken(key, verified(email))
  const refused = await rest(at, 'GET /me', { token: foreign })
  expect({ status: refused.status, code: refused.body.code }, refused.text).toEqual({
    status: 401,
    code: 'UNAUTHENTICATED',
  })
  expect((await graphql(at, '{ me { id } }', {}, { token: foreign })).errors?.[0]?.extensions.code).toBe(
    'UNAUTHENTICATED',
  )
  expect((await meOf(token, at)).id).toBe(id)
  expect(at.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  // The operator gets a warning, not an error.
  expect(at.log.lines.filter(({ level }) => level === 'warn').length).toBeGreaterThan(0)
  await own.comeUp()
  await until('its tokens work', async () => (await meOf(foreign, at)).id === id)
})

test('without a configured provider, its tokens are rejected', async () => {
  const at = await freshServerForTest()
  const { email } = await signUp(at)
  expect((await meOf(await providerToken(rsa, verified(email)), at)).code).toBe('UNAUTHENTICATED')
})

describe('the configuration of a provider', () => {
  const JWT_JWKS_URL = 'https://login.example/jwks.json'
  test.each<[string, Record<string, string>, RegExp]>([
    ['without issuer', { JWT_JWKS_URL, JWT_AUDIENCE: AUDIENCE }, /JWT_ISSUER: is required/],
    ['without audience', { JWT_JWKS_URL, JWT_ISSUER: ISSUER }, /JWT_AUDIENCE: is required/],
    ['without either', { JWT_JWKS_URL }, /JWT_ISSUER: is required[\s\S]*JWT_AUDIENCE: is required/],
    [
      'with an invalid URL',
      { JWT_JWKS_URL: 'login.example', JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE },
      /JWT_JWKS_URL/,
    ],
    ['with a file', { JWT_JWKS_URL: 'file:///etc/passwd', JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE }, /JWT_JWKS_URL/],
  ])('%s is rejected', (_what, settings, problem) => {
    expect(() => readConfig(settings)).toThrow(problem)
  })
})
