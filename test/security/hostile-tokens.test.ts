import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import jwt from 'jsonwebtoken'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccessTokens } from '../../src/auth/tokens.ts'
import { ConfigError, readConfig } from '../../src/config.ts'
import { rest } from '../support/clients.ts'
import { DOORS, type DoorName, knock, openedOrBroken, overSocket } from '../support/doors.ts'
import { failingServer } from '../support/process.ts'
import { noticeWrites, sharedServer, signUp, type TestServer, type TestUser } from '../support/server.ts'
import { CORPUS, type Facts } from './corpus.ts'

let server: TestServer
let user: TestUser
let other: TestUser
let facts: Facts

const subjectOf = ({ token }: TestUser) => {
  const { sub, sid } = jwt.decode(token) as { sub: string; sid: string }
  return { sub, sid }
}
const ticketOf = async (token: string) => (await rest(server, 'POST /auth/stream-ticket', { token })).body.ticket
const keyOf = async (token: string, scopes = ['tasks:read']) => {
  const answer = await rest(server, 'POST /api-keys', { token, body: { name: 'A key', scopes } })
  return answer.body as { id: string; secret: string }
}

beforeAll(async () => {
  server = await sharedServer()
  user = await signUp(server)
  other = await signUp(server)
  const [ended, expired, disabled, deleted] = await Promise.all([1, 2, 3, 4].map(() => signUp(server)))
  facts = {
    secret: server.config.JWT_SECRET![0]!,
    token: user.token,
    refreshToken: user.refreshToken,
    ticket: await ticketOf(user.token),
    other: subjectOf(other),
    dead: {
      ended: subjectOf(ended!),
      expired: subjectOf(expired!),
      disabled: subjectOf(disabled!),
      deleted: subjectOf(deleted!),
    },
  }
  const past = new Date(Date.now() - 1_000)
  await server.db.session.update({ where: { id: facts.dead.ended.sid }, data: { revokedAt: past } })
  await server.db.session.update({ where: { id: facts.dead.expired.sid }, data: { expiresAt: past } })
  await server.db.user.update({ where: { id: disabled!.id }, data: { disabledAt: past } })
  await server.db.user.delete({ where: { id: deleted!.id } })
})

/** Returns logged errors. A wrong credential may be logged, but never as an error. */
const faults = () => server.log.lines.filter(({ level }) => level === 'error')
beforeEach(() => void server.log.lines.splice(0))

test('each door accepts exactly the credentials it is meant for', async () => {
  const open = (answers: Record<string, string | undefined>) =>
    Object.keys(answers).filter((name) => answers[name] === undefined)
  const notForTokens: DoorName[] = ['REST stream by ticket', 'websocket, apiKey', 'refresh token']
  const all = Object.keys(DOORS) as DoorName[]
  expect(open(await knock(server, user.token, user.token))).toEqual(all.filter((name) => !notForTokens.includes(name)))
  const { secret } = await keyOf(user.token)
  expect(open(await knock(server, secret, user.token))).toEqual(
    all.filter((name) => !['REST stream by ticket', 'renewConnection', 'refresh token'].includes(name)),
  )
  expect(open(await knock(server, await ticketOf(user.token), user.token))).toEqual(['REST stream by ticket'])
  expect(open(await knock(server, other.refreshToken, user.token))).toEqual(['refresh token'])
})

test('the corpus of hostile tokens is large and has no duplicates', () => {
  expect(CORPUS.length).toBeGreaterThanOrEqual(60)
  expect(new Set(CORPUS.map(({ make }) => make(facts))).size).toBe(CORPUS.length)
})

describe('every door rejects', () => {
  test.each(CORPUS)('$name', async ({ make, except }) => {
    const credential = make(facts)
    const answers = await knock(server, credential, user.token, except)
    expect(openedOrBroken(answers), credential.slice(0, 2_000)).toEqual({})
    expect(faults()).toEqual([])
  })
})

test('a token of nearly the maximum message size is rejected where no header limits it', async () => {
  const huge = `${user.token}${'A'.repeat(900_000)}`
  const wide: DoorName[] = ['websocket, authorization', 'websocket, apiKey', 'renewConnection', 'refresh token']
  const except = (Object.keys(DOORS) as DoorName[]).filter((name) => !wide.includes(name))
  expect(openedOrBroken(await knock(server, huge, user.token, except))).toEqual({})
  expect(faults()).toEqual([])
})

test('connection_init rejects a credential of the wrong type, and takes an empty one for none or invalid', async () => {
  for (const credential of [1, true, [`Bearer ${user.token}`], { token: user.token }]) {
    for (const params of [{ authorization: credential }, { apiKey: credential }, { authToken: credential }])
      expect(await overSocket(server, params), JSON.stringify(params)).toBe('closed 4400')
  }
  for (const credential of [null, '']) {
    for (const params of [{ authorization: credential }, { apiKey: credential }, { authToken: credential }])
      expect(await overSocket(server, params), JSON.stringify(params)).toBe('UNAUTHENTICATED')
  }
})

test('a credential in connection_init replaces the one in the headers, even if it is invalid', async () => {
  const headers = { authorization: `Bearer ${user.token}` }
  expect(await overSocket(server, {}, headers)).toBeUndefined()
  expect(await overSocket(server, { apiKey: 'nonsense' }, headers)).toBe('UNAUTHENTICATED')
})

test('a ticket is valid for streams only', async () => {
  const ticket = await ticketOf(user.token)
  for (const call of ['GET /me', 'GET /tasks', 'GET /events', 'GET /sessions']) {
    const { status, text } = await rest(server, `${call}?ticket=${ticket}`)
    expect([401, 422], `${call} ${text}`).toContain(status)
  }
  const response = await fetch(`${server.url}/graphql?ticket=${ticket}&query=${encodeURIComponent('{me{id}}')}`)
  expect(await response.text()).toContain('UNAUTHENTICATED')
})

test('a ticket is refused once the access token that it was created with has expired', async () => {
  const { sub: userId, sid: sessionId } = subjectOf(user)
  const { signTicket } = createAccessTokens({ secrets: [facts.secret], lifetime: 60 })
  const open = async (credentialEndsAt: number) =>
    openedOrBroken(await knock(server, signTicket({ userId, sessionId, credentialEndsAt }), user.token))
  expect(Object.keys(await open(Date.now() + 60_000))).toEqual(['REST stream by ticket'])
  expect(await open(Date.now() - 1)).toEqual({})
})

test('an invalid ticket is rejected even with a valid header', async () => {
  const answer = await rest(server, 'GET /events/stream?ticket=nonsense', { token: user.token })
  expect(answer.status, answer.text).toBe(401)
})

describe('every door rejects an API key that is', () => {
  const gone: [string, (key: { id: string; secret: string }, owner: TestUser) => Promise<unknown>][] = [
    ['revoked', ({ id }) => server.db.apiKey.update({ where: { id }, data: { revokedAt: new Date() } })],
    ['expired', ({ id }) => server.db.apiKey.update({ where: { id }, data: { expiresAt: new Date() } })],
    ['of a disabled user', (_, { id }) => server.db.user.update({ where: { id }, data: { disabledAt: new Date() } })],
    ['of a deleted user', (_, { id }) => server.db.user.delete({ where: { id } })],
  ]
  test.each(gone)('%s', async (_what, spoil) => {
    const owner = await signUp(server)
    const key = await keyOf(owner.token)
    const ticket = (await rest(server, 'POST /auth/stream-ticket', { headers: { 'x-api-key': key.secret } })).body
      .ticket
    await spoil(key, owner)
    await noticeWrites(server, user)
    expect(openedOrBroken(await knock(server, key.secret, user.token))).toEqual({})
    expect(openedOrBroken(await knock(server, ticket, user.token))).toEqual({})
    expect((await rest(server, 'GET /me', { headers: { 'x-api-key': key.secret } })).status).toBe(401)
    expect(faults()).toEqual([])
  })

  test('altered, truncated, extended or in another case', async () => {
    const { secret } = await keyOf(user.token)
    const last = secret.endsWith('A') ? 'E' : 'A'
    const wrong = [secret.slice(0, -1) + last, secret.slice(0, -1), `${secret}A`, secret.toUpperCase(), secret.slice(3)]
    for (const one of wrong) {
      expect(openedOrBroken(await knock(server, one, user.token)), one).toEqual({})
      expect((await rest(server, 'GET /me', { headers: { 'x-api-key': one } })).status, one).toBe(401)
    }
  })
})

describe('two credentials in one request', () => {
  const status = async (authorization: string, key: string) =>
    (await rest(server, 'GET /me', { headers: { authorization, 'x-api-key': key } })).status

  test('are rejected if they differ and accepted if they are identical', async () => {
    const [mine, theirs] = [await keyOf(user.token), await keyOf(other.token)]
    expect(await status(`Bearer ${user.token}`, mine.secret)).toBe(401)
    expect(await status(`Bearer ${theirs.secret}`, mine.secret)).toBe(401)
    expect(await status('Basic eDp5', mine.secret)).toBe(401)
    expect(await status(`Bearer ${mine.secret}`, mine.secret)).toBe(200)
    const both = { authorization: `Bearer ${user.token}`, apiKey: theirs.secret }
    expect(await overSocket(server, both)).toBe('UNAUTHENTICATED')
  })

  test.each(['Authorization', 'X-API-Key'])('are rejected in two %s headers', async (name) => {
    const values =
      name === 'Authorization'
        ? [`Bearer ${user.token}`, `Bearer ${other.token}`]
        : [(await keyOf(user.token)).secret, (await keyOf(other.token)).secret]
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${server.url}/api/v1/me`, { headers: { [name]: values } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      call.on('error', reject).end()
    })
    expect(answered).toBe(401)
  })
})

describe('a JWT secret that is', () => {
  const DATABASE_URL = 'postgres://nobody@127.0.0.1:9/none'
  const problemsOf = (settings: Record<string, string>) => {
    try {
      readConfig(settings)
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      return (error as Error).message
    }
  }

  test.each([
    ['missing', {}],
    ['empty', { JWT_SECRET: '' }],
    ['short', { JWT_SECRET: 'secret' }],
    ['one character short', { JWT_SECRET: 'x'.repeat(31) }],
    ['all one character', { JWT_SECRET: 'x'.repeat(40) }],
  ])('%s is rejected with DATABASE_URL, with the command to make one', (_what, settings) => {
    expect(problemsOf({ DATABASE_URL, ...settings })).toMatch(/JWT_SECRET: .*openssl rand -base64 48/)
  })

  test('short is rejected on the embedded database, too', () => {
    expect(problemsOf({ JWT_SECRET: 'secret' })).toMatch(/JWT_SECRET: .*openssl rand -base64 48/)
  })

  test('missing stops the process with a remedy and without a stack trace', async () => {
    const { code, output } = await failingServer({ DATABASE_URL })
    expect(code, output).toBe(1)
    expect(output).toMatch(/JWT_SECRET: .*openssl rand -base64 48/)
    expect(output).not.toContain('    at ')
  })
})

test('an unknown key id and one of another user are both NOT_FOUND', async () => {
  const { id } = await keyOf(other.token)
  const answers = await Promise.all(
    [id, randomUUID()].map((one) => rest(server, `DELETE /api-keys/${one}`, { token: user.token })),
  )
  for (const { status } of answers) expect(status).toBe(404)
})
