import { randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { expect, onTestFinished, test } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'
import { rest } from '../support/clients.ts'
import { onPostgres, testDatabase } from '../support/database.ts'
import { type ServerProcess, serverProcess } from '../support/process.ts'
import { signUp } from '../support/server.ts'

const secret = () => randomUUID() + randomUUID()

/** Returns a function that starts a server with given secrets on one fresh database. */
async function starter() {
  const { options, drop } = await testDatabase()
  onTestFinished(drop)
  return (...secrets: string[]) =>
    serverProcess({
      DATA_DIR: options.dataDir,
      ...(options.url && { DATABASE_URL: options.url }),
      JWT_SECRET: secrets.join(','),
    })
}

const ticketOf = async (server: ServerProcess, token: string): Promise<string> =>
  (await rest(server, 'POST /auth/stream-ticket', { token })).body.ticket

/** Status of a request with an access token, and of a stream with a ticket. */
async function statuses(server: ServerProcess, token: string, ticket: string) {
  const [me, stream] = await Promise.all([
    rest(server, 'GET /me', { token }),
    rest(server, `HEAD /events/stream?ticket=${ticket}`),
  ])
  return { token: me.status, ticket: stream.status }
}

const VALID = { token: 200, ticket: 200 }
const REFUSED = { token: 401, ticket: 401 }

const isSignedWith = (token: string, key: string) => {
  try {
    return Boolean(jwt.verify(token, key, { algorithms: ['HS256'] }))
  } catch {
    return false
  }
}

test('nobody is signed out when a server restarts with a new secret in front of the old one', async () => {
  const start = await starter()
  const [old, fresh] = [secret(), secret()]
  let server = await start(old)
  const user = await signUp(server)
  const ticket = await ticketOf(server, user.token)
  await server.kill('SIGTERM')

  server = await start(fresh, old)
  expect(await statuses(server, user.token, ticket)).toEqual(VALID)
  const { body: renewed } = await rest(server, 'POST /auth/refresh', { body: { refreshToken: user.refreshToken } })
  expect(isSignedWith(renewed.accessToken, fresh)).toBe(true)
  expect(isSignedWith(renewed.accessToken, old)).toBe(false)
  const renewedTicket = await ticketOf(server, renewed.accessToken)
  await server.kill('SIGTERM')

  server = await start(fresh)
  expect(await statuses(server, user.token, ticket)).toEqual(REFUSED)
  expect(await statuses(server, renewed.accessToken, renewedTicket)).toEqual(VALID)
  // A session outlives every secret: its refresh token is not signed.
  const again = await rest(server, 'POST /auth/refresh', { body: { refreshToken: renewed.refreshToken } })
  expect(again.status, again.text).toBe(200)
})

test.skipIf(!onPostgres)(
  'servers on which the secrets stand in different order accept each other’s tokens',
  async () => {
    const start = await starter()
    const [old, fresh] = [secret(), secret()]
    const [ahead, behind] = await Promise.all([start(fresh, old), start(old, fresh)])
    for (const [issuer, key] of [
      [ahead, fresh],
      [behind, old],
    ] as const) {
      const { token } = await signUp(issuer)
      expect(isSignedWith(token, key)).toBe(true)
      const ticket = await ticketOf(issuer, token)
      for (const server of [ahead, behind]) expect(await statuses(server, token, ticket)).toEqual(VALID)
    }
  },
)

test.each([
  ['a short one', [secret(), 'short'], 'JWT_SECRET: secret 2 of 2 must be 32 characters or more; generate one with'],
  ['a placeholder', ['x'.repeat(40), secret()], 'JWT_SECRET: secret 1 of 2 is too easy to guess; generate one with'],
  ['no secret between commas', [' ', ' '], 'JWT_SECRET: must be 32 characters or more'],
  ['too many', Array.from({ length: 11 }, secret), 'JWT_SECRET: must not name more than 10 secrets'],
])('a list with %s is refused, without showing any', (_what, secrets, problem) => {
  const read = () => readConfig({ JWT_SECRET: secrets.join(',') })
  expect(read).toThrow(ConfigError)
  expect(read).toThrow(problem)
  for (const one of secrets.filter((text) => text.trim().length > 30)) expect(read).not.toThrow(one)
})

test('each secret of a list is read without the spaces around it', () => {
  const [one, two] = [secret(), secret()]
  expect(readConfig({ JWT_SECRET: ` ${one} , ${two},` }).JWT_SECRET).toEqual([one, two])
})
