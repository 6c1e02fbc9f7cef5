import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import jwt from 'jsonwebtoken'
import { beforeAll, describe, expect, test } from 'vitest'
import { briefLife, briefToken } from '../support/brief.ts'
import { graphql, rest } from '../support/clients.ts'
import { overSocket } from '../support/doors.ts'
import { data, overGraphql, overRest } from '../support/operations.ts'
import {
  noticeWrites,
  ownServerForTest,
  sharedServer,
  signUp,
  type TestServer,
  type TestUser,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

let server: TestServer
let user: TestUser
/** Claims of the token that the server issued to the user. */
let claims: jwt.JwtPayload

beforeAll(async () => {
  server = await sharedServer()
  user = await signUp(server)
  claims = jwt.decode(user.token) as jwt.JwtPayload
})

/** Returns each transport's error code or status for a token. Undefined means accepted. */
async function codesOf(token: string, at: { url: string } = server) {
  const overHttp = await graphql(at, '{ me { id } }', {}, { token })
  return {
    rest: (await rest(at, 'GET /me', { token })).body.code,
    stream: (await rest(at, 'HEAD /events/stream', { token })).status,
    graphql: overHttp.errors?.[0]?.extensions.code,
    websocket: await overSocket(at, { authorization: `Bearer ${token}` }),
  }
}

const REFUSED = { rest: 'UNAUTHENTICATED', stream: 401, graphql: 'UNAUTHENTICATED', websocket: 'UNAUTHENTICATED' }
const ADMITTED = { rest: undefined, stream: 200, graphql: undefined, websocket: undefined }

const sign = (payload: object, options: jwt.SignOptions = {}, secret = server.config.JWT_SECRET![0]!) =>
  jwt.sign(payload, secret, { algorithm: 'HS256', ...options })
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const without = (payload: object, name: string) =>
  Object.fromEntries(Object.entries(payload).filter(([claim]) => claim !== name))
const now = () => Math.floor(Date.now() / 1000)

test('accepts a token from the server, and one signed the same way, on every transport', async () => {
  expect(await codesOf(user.token)).toEqual(ADMITTED)
  expect(await codesOf(sign(claims))).toEqual(ADMITTED)
})

test.each<[string, () => string]>([
  ['garbage', () => 'garbage'],
  ['three dots', () => '...'],
  ['a token of 10,000 characters', () => `${user.token.slice(0, -1)}${'A'.repeat(10_000)}`],
  ['an expired token', () => sign({ ...claims, iat: now() - 100, exp: now() - 1 })],
  ['a token signed with another secret', () => sign(claims, {}, 'another secret that is long enough too')],
  ['a token with an edited claim', () => user.token.replace(/\..*\./, `.${encode({ ...claims, exp: now() + 9999 })}.`)],
  ['a token without a signature', () => user.token.replace(/[^.]*$/, '')],
  ['alg none', () => `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`],
  ['alg None with the old signature', () => user.token.replace(/^[^.]*/, encode({ alg: 'None' }))],
  ['HS512 with our secret', () => sign(claims, { algorithm: 'HS512' })],
  ['HS384 with our secret', () => sign(claims, { algorithm: 'HS384' })],
  ['a token that never expires', () => sign(without(claims, 'exp'))],
  ['a token that is not valid yet', () => sign({ ...claims, nbf: now() + 1000 })],
  ['a token of another issuer', () => sign({ ...claims, iss: 'somebody' })],
  ['a token without an issuer', () => sign(without(claims, 'iss'))],
  ['a token for another audience', () => sign({ ...claims, aud: 'somebody' })],
  ['a token with an unknown critical extension', () => sign(claims, { header: { alg: 'HS256', crit: ['x'] } })],
  ['a token without a session', () => sign(without(claims, 'sid'))],
  ['a token with an unknown session', () => sign({ ...claims, sid: randomUUID() })],
  ['a token with the session of another user', () => sign({ ...claims, sub: randomUUID() })],
])('rejects %s over REST, SSE, GraphQL and WebSocket', async (_what, make) => {
  expect(await codesOf(make())).toEqual(REFUSED)
})

test('accepts only the Bearer scheme, in any case', async () => {
  const status = async (authorization: string) => (await rest(server, 'GET /me', { headers: { authorization } })).status
  expect(await status(`bearer ${user.token}`)).toBe(200)
  expect(await status(`BEARER  ${user.token}`)).toBe(200)
  for (const wrong of [user.token, `Basic ${user.token}`, `Token ${user.token}`, 'Bearer', `Bearer ${user.token} x`]) {
    expect(await status(wrong), wrong).toBe(401)
  }
})

test('a token expires on time, even if it was verified before', async () => {
  const someone = await signUp(server)
  const life = await briefLife(() => rest(server, 'GET /me', { token: someone.token }))
  const token = await briefToken(server, someone, life)
  expect((await rest(server, 'GET /me', { token })).status).toBe(200)
  await until('the token is refused', async () => (await rest(server, 'GET /me', { token })).status === 401)
  expect(await codesOf(token)).toEqual(REFUSED)
})

describe('a token stops working', () => {
  test('when its session is revoked', async () => {
    const { id, token } = await signUp(server)
    expect(await codesOf(token)).toEqual(ADMITTED)
    await server.db.session.updateMany({ where: { userId: id }, data: { revokedAt: new Date() } })
    await noticeWrites(server, user)
    expect(await codesOf(token)).toEqual(REFUSED)
  })

  test('while its account is disabled', async () => {
    const { id, token } = await signUp(server)
    await server.db.user.update({ where: { id }, data: { disabledAt: new Date() } })
    await noticeWrites(server, user)
    expect(await codesOf(token)).toEqual(REFUSED)
    await server.db.user.update({ where: { id }, data: { disabledAt: null } })
    expect(await codesOf(token)).toEqual(ADMITTED)
  })
})

describe('secrets', () => {
  test('are never stored in plain text, and passwords are stored as argon2id hashes', async () => {
    const tables = await server.db.$queryRaw<{ name: string }[]>`
      SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = current_schema()`
    for (const { name } of tables) {
      for (const secret of [user.password, user.token, user.refreshToken]) {
        const hex = Buffer.from(secret).toString('hex')
        const [found] = await server.db.$queryRawUnsafe<{ count: bigint }[]>(
          `SELECT count(*) FROM ${name} AS t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0`,
          secret,
          hex,
        )
        expect(found?.count, name).toBe(0n)
      }
    }
    const { passwordHash } = await server.db.user.findUniqueOrThrow({ where: { id: user.id } })
    expect(passwordHash).toMatch(/^\$argon2id\$v=19\$m=\d{5,},t=\d,p=1\$/)
  })

  test('appear as schema fields only where they are issued', async () => {
    const query = '{ __schema { types { name kind fields { name } } } }'
    const { data: answer } = await graphql(server, query)
    const fields = answer.__schema.types.flatMap((type: { name: string; fields: { name: string }[] | null }) =>
      (type.fields ?? []).map((field) => `${type.name}.${field.name}`),
    )
    expect(fields.filter((name: string) => /password|hash|secret|token/i.test(name)).sort()).toEqual([
      'ApiKey.secret',
      'AuthPayload.accessToken',
      'AuthPayload.refreshToken',
      'AuthPayload.tokenType',
      'Mutation.changePassword',
    ])
  })

  test('never leak into other responses or the log, even when the database fails', async () => {
    const own = await ownServerForTest({ LOG_LEVEL: 'debug' })
    const account = { email: 'ada@example.org', password: 'a password nobody has', name: 'Ada' }
    const payload = data(await overRest.register(own, account))
    const caller = { url: own.url, token: payload.accessToken }
    const { passwordHash } = await own.db.user.findFirstOrThrow()
    const wrong = { email: account.email, password: 'a wrong one to be kept' }
    const answers = [
      await overGraphql.me(caller),
      await overRest.listEvents(caller),
      await overGraphql.listEvents(caller),
      await overRest.signIn(own, wrong),
      await overRest.register(own, account),
    ].map((outcome) => outcome.exchange.replace(/.* answered /s, ''))
    // Make the insert of the session fail while the driver holds the values.
    await own.db.$executeRaw`ALTER TABLE "Session" ADD CONSTRAINT "never" CHECK ("userId" IS NULL) NOT VALID`
    for (const api of [overRest, overGraphql]) {
      const outcome = await api.signIn(own, { email: account.email, password: account.password })
      expect(outcome.error, outcome.exchange).toBeDefined()
      answers.push(outcome.exchange.replace(/.* answered /s, ''))
    }
    await own.db.$executeRaw`ALTER TABLE "Session" RENAME TO "Gone"`
    for (const api of [overRest, overGraphql]) {
      const outcome = await api.signIn(own, { email: account.email, password: account.password })
      expect(outcome.error?.code, outcome.exchange).toBe('INTERNAL')
      answers.push(outcome.exchange.replace(/.* answered /s, ''))
    }
    const log = inspect(own.log.lines, { depth: 20, maxStringLength: null, maxArrayLength: null })
    expect(log).toContain('an operation failed unexpectedly')
    const secrets = {
      ...account,
      email: wrong.password,
      name: passwordHash,
      access: payload.accessToken,
      refresh: payload.refreshToken,
    }
    for (const secret of Object.values(secrets)) {
      expect(log, 'the log').not.toContain(secret)
      for (const answer of answers) expect(answer, 'an answer').not.toContain(secret)
    }
  })
})
