import { Writable } from 'node:stream'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logRequests } from '../../src/app/request-log.ts'
import { type RunningServer, startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { logOptions } from '../../src/log.ts'
import { eventStream, graphql, rest } from '../support/clients.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { openSocket } from '../support/sockets.ts'

const JWT_SECRET = 'the secret that signs all tokens of this test'

let database: TestDatabase
let server: RunningServer
let log = ''
/** Secrets by kind. Each may appear only in the one response that issues it. */
const secrets = new Map<string, string>()
const keep = (what: string, secret: string): string => {
  expect(secret, what).toMatch(/.{8}/)
  secrets.set(`${what} ${secrets.size}`, secret)
  return secret
}

/** Creates a log configured like the server's that writes into `log`. */
function capturedLog() {
  const stream = new Writable({
    write(chunk, _encoding, done) {
      log += String(chunk)
      done()
    },
  })
  return pino(logOptions('trace'), stream)
}

beforeAll(async () => {
  database = await testDatabase()
  const { url, dataDir } = database.options
  const config = readConfig({
    PORT: '0',
    LOG_LEVEL: 'trace',
    DATA_DIR: dataDir,
    JWT_SECRET,
    ...(url && { DATABASE_URL: url }),
  })
  const captured = capturedLog()
  server = await startServer(config, captured, undefined, { observe: logRequests(captured) })
  secrets.set('the JWT secret', JWT_SECRET)
})
afterAll(async () => {
  await server?.close()
  await database?.drop()
})

const account = { email: 'ada@example.org', password: 'the first password of Ada', name: 'Ada' }

/** Sends an authentication request and records its tokens as secrets. */
async function authenticate(call: string, body: object) {
  const answer = await rest(server, `POST /auth/${call}`, { body })
  expect(answer.status, answer.text).toBeLessThan(300)
  keep('access token', answer.body.accessToken)
  keep('refresh token', answer.body.refreshToken)
  return answer.body as { accessToken: string; refreshToken: string }
}

async function useEverything(): Promise<void> {
  keep('password', account.password)
  const { accessToken: token, refreshToken } = await authenticate('register', account)
  await authenticate('refresh', { refreshToken })
  const form = new URLSearchParams({ grant_type: 'password', username: account.email, password: account.password })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const oauth = (await rest(server, 'POST /auth/token', { raw: String(form), headers })).body
  keep('access token', oauth.access_token)
  keep('refresh token', oauth.refresh_token)
  const body = { name: 'A key', scopes: ['tasks:read', 'tasks:write'] }
  const { secret, id } = (await rest(server, 'POST /api-keys', { token, body })).body
  keep('API key', secret)
  const { ticket } = (await rest(server, 'POST /auth/stream-ticket', { token })).body
  keep('ticket', ticket)
  const { response, cut } = await eventStream(server, `/events/stream?ticket=${ticket}`)
  expect(response.status).toBe(200)
  for (const params of [{ authorization: `Bearer ${token}` }, { apiKey: secret }]) {
    const socket = await openSocket(server, params)
    expect((await socket.ask('{ me { id } }')).errors).toBeUndefined()
    await socket.ask('mutation ($t: String!) { renewConnection(accessToken: $t) { expiresAt } }', { t: token })
    socket.close()
  }
  await rest(server, 'POST /tasks', { headers: { 'x-api-key': secret }, body: { title: 'A task' } })
  cut()
  const newPassword = keep('password', 'the second password of Ada')
  const change = { currentPassword: account.password, newPassword }
  expect((await rest(server, 'POST /me/password', { token, body: change })).status).toBe(204)
  await authenticate('sign-in', { email: account.email, password: newPassword })
  await rest(server, `DELETE /api-keys/${id}`, { token })
  await misuse(token, secret)
}

/** Sends invalid requests, whose secrets must not reach the log either. */
async function misuse(token: string, secret: string): Promise<void> {
  const { email } = account
  for (const path of ['sign-in', 'register']) {
    const password = keep('wrong password', `a wrong password for ${path}`)
    await rest(server, `POST /auth/${path}`, { body: { ...account, password } })
    await rest(server, `POST /auth/${path}`, { body: { email, password, more: password } })
    await rest(server, `POST /auth/${path}`, {
      raw: `{"password":"${password}`,
      headers: { 'content-type': 'application/json' },
    })
    await rest(server, `POST /auth/${path}?password=${encodeURIComponent(password)}`, { body: {} })
  }
  const bad = keep('a token that is not one', `${token.slice(0, -3)}xxx`)
  await rest(server, 'GET /me', { token: bad })
  await rest(server, `GET /events/stream?ticket=${bad}`)
  await rest(server, 'GET /me', { headers: { authorization: `Bearer ${token}`, 'x-api-key': secret } })
  await rest(server, 'GET /me', { headers: { authorization: `Basic ${secret}` } })
  await rest(server, 'POST /auth/refresh', { body: { refreshToken: bad } })
  const query = 'mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }'
  const password = keep('wrong password', 'a wrong password for GraphQL')
  await graphql(server, query, { input: { email, password } })
  await graphql(server, query, { input: { email, password, more: password } })
  await graphql(server, `mutation { signIn(input: { email: "${email}", password: "${password}" }) { nothing } }`)
  const socket = await openSocket(server, { authorization: `Bearer ${bad}` })
  expect(socket.closing?.code).toBe(4403)
}

/** Provokes database errors that carry whole rows, in the middle of operations. */
async function breakThings(): Promise<void> {
  const { passwordHash } = await server.db.user.findUniqueOrThrow({ where: { email: account.email } })
  keep('password hash', passwordHash!)
  const attempt = async (body: object) => {
    const answers = [
      await rest(server, 'POST /auth/register', { body }),
      await graphql(server, 'mutation ($input: RegisterUserInput!) { registerUser(input: $input) { accessToken } }', {
        input: body,
      }),
    ]
    for (const answer of answers) expect(JSON.stringify(answer)).not.toMatch(/argon2|accessToken":"/)
  }
  const password = keep('password', 'the password of somebody who gets no account')
  const person = { email: 'bob@example.org', password, name: 'Bob' }
  // A constraint that is reported to clients.
  await server.db.$executeRaw`ALTER TABLE "User" ADD CONSTRAINT "User_name_bob" CHECK ("name" <> 'Bob') NOT VALID`
  await attempt(person)
  // An unexpected one: PostgreSQL's detail is "Failing row contains (…)".
  await server.db.$executeRaw`ALTER TABLE "User" ADD COLUMN "unforeseen" int`
  await server.db.$executeRaw`ALTER TABLE "User" ADD CONSTRAINT "nobody" CHECK ("unforeseen" IS NOT NULL) NOT VALID`
  await attempt({ ...person, name: 'Rob' })
  await server.db.$executeRaw`ALTER TABLE "User" DROP CONSTRAINT "nobody"`
  await server.db.$executeRaw`UPDATE "User" SET "unforeseen" = 1`
  await server.db.$executeRaw`ALTER TABLE "User" ALTER COLUMN "unforeseen" SET NOT NULL`
  await attempt({ ...person, name: 'Rob' })
  await server.db.$executeRaw`ALTER TABLE "User" DROP COLUMN "unforeseen"`
  await server.db.$executeRaw`ALTER TABLE "RefreshToken" RENAME COLUMN "hash" TO "gone"`
  const { accessToken } = (
    await rest(server, 'POST /auth/sign-in', {
      body: { email: account.email, password: 'the second password of Ada' },
    })
  ).body
  expect(accessToken).toBeUndefined()
  await rest(server, 'POST /auth/refresh', { body: { refreshToken: [...secrets.values()][2] } })
  await server.db.$executeRaw`ALTER TABLE "RefreshToken" RENAME COLUMN "gone" TO "hash"`
}

/** Returns the encodings in which a secret could appear. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('hex'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ]
}

// The tests below inspect what this one leaves behind.
test('a busy run uses and misuses every credential and provokes database errors', async () => {
  await useEverything()
  await breakThings()
  const kinds = new Set([...secrets.keys()].map((name) => name.replace(/ \d+$/, '')))
  expect(kinds).toEqual(
    new Set([
      'the JWT secret',
      'password',
      'access token',
      'refresh token',
      'API key',
      'ticket',
      'wrong password',
      'a token that is not one',
      'password hash',
    ]),
  )
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.filter(({ level }) => level === 50).length, log).toBeGreaterThanOrEqual(3)
  expect(log).toContain('an operation failed unexpectedly')
})

test('the log contains no secret in any encoding', () => {
  for (const [what, secret] of secrets) {
    for (const spelling of spellings(secret))
      expect(log.includes(spelling), `${what}: ${around(log, spelling)}`).toBe(false)
  }
  expect(log).not.toMatch(/\$argon2/)
  expect(log).not.toMatch(/eyJ[\w-]{10}/)
  expect(log).not.toMatch(/tw_[\w-]{43}/)
  expect(log).not.toMatch(/Failing row contains/)
})

test('no table contains a secret in any encoding, except password hashes in their column', async () => {
  const tables = await server.db.$queryRaw<{ name: string }[]>`
    SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`
  expect(tables.length).toBeGreaterThan(8)
  const dumps = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await server.db.$queryRawUnsafe<{ row: string }[]>(`SELECT t::text AS row FROM ${name} AS t`)
      return { name, dump: rows.map(({ row }) => row).join('\n') }
    }),
  )
  for (const [what, secret] of secrets) {
    for (const { name, dump } of dumps) {
      if (what.startsWith('password hash') && name.includes('"User"')) continue
      for (const spelling of spellings(secret)) {
        expect(dump.includes(spelling), `${what} in ${name}: ${around(dump, spelling)}`).toBe(false)
      }
    }
  }
  const events = dumps.find(({ name }) => name.includes('"Event"'))
  expect(events?.dump).toBeTruthy()
  expect(events?.dump).not.toMatch(/argon2/)
})

function around(text: string, part: string): string {
  const at = text.indexOf(part)
  return at < 0 ? '' : text.slice(Math.max(0, at - 200), at + 200)
}
