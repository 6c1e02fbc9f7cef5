import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RestAnswer, rest } from '../support/clients.ts'
import { expectEnded, openStreams } from '../support/open-streams.ts'
import { signUp, type TestServer } from '../support/server.ts'
import { closeServers, testServers } from '../support/servers.ts'

/** Two on PostgreSQL, one on the embedded database. */
let servers: TestServer[]
let server: TestServer

beforeAll(async () => {
  servers = await testServers()
  server = servers[0]!
  // What follows is about many requests at once, not about the first one of a process.
  await signUp(server)
})
afterAll(() => closeServers(servers))

const AT_ONCE = 50
const ROUNDS = 10

const refresh = (at: TestServer, refreshToken: string) => rest(at, 'POST /auth/refresh', { body: { refreshToken } })
const statuses = (answers: RestAnswer[]) => answers.map(({ status }) => status).sort()

test('of 50 refreshes of one token at once, on all servers, one succeeds and its successor lives', async () => {
  let { refreshToken } = await signUp(server)
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => refresh(servers[index % servers.length]!, refreshToken)),
    )
    expect(statuses(answers), `round ${round}`).toEqual([200, ...Array(AT_ONCE - 1).fill(401)])
    const { body } = answers.find(({ status }) => status === 200)!
    for (const one of servers) {
      const me = await rest(one, 'GET /me', { token: body.accessToken })
      expect(me.status, `round ${round}: ${me.text}`).toBe(200)
    }
    // The next round is the later refresh that proves it.
    refreshToken = body.refreshToken
  }
  expect((await refresh(server, refreshToken)).status).toBe(200)
}, 60_000)

/** The winner, beside others who send the same token to the last server every 300 ms for as long as told. */
async function raceFor(refreshToken: string, milliseconds: number) {
  const started = performance.now()
  const winner = refresh(server, refreshToken).then((answer) => ({ ...answer, after: performance.now() - started }))
  const others: Promise<RestAnswer>[] = []
  while (performance.now() - started < milliseconds) {
    await wait(300)
    others.push(refresh(servers.at(-1)!, refreshToken))
  }
  expect(new Set(statuses(await Promise.all(others)))).toEqual(new Set([401]))
  return await winner
}

test('a busy server may read for long what was sent at once: nobody is told of the successor while others still race', async () => {
  const { refreshToken } = await signUp(server)
  const { status, body, after } = await raceFor(refreshToken, 1_500)
  expect(status).toBe(200)
  expect(after).toBeGreaterThan(1_500)
  expect((await rest(server, 'GET /me', { token: body.accessToken })).status).toBe(200)
})

test('who sends a spent token for ever holds its successor back for five seconds, and then ends the session', async () => {
  const { refreshToken } = await signUp(server)
  const { status, body, after } = await raceFor(refreshToken, 7_000)
  expect(status).toBe(200)
  expect(after).toBeGreaterThan(4_900)
  expect(after).toBeLessThan(7_000)
  expect((await rest(server, 'GET /me', { token: body.accessToken })).status).toBe(401)
})

test('a spent token that comes again ends the session: its tokens, and within a second its streams, on all servers', async () => {
  const user = await signUp(server)
  const first = (await refresh(server, user.refreshToken)).body
  const second = (await refresh(server, first.refreshToken)).body
  const token = second.accessToken
  const streams = await Promise.all(
    servers.map((one) =>
      openStreams(one, { token }, () => rest(server, 'POST /tasks', { token, body: { title: 'A task' } })),
    ),
  )
  const reused = await refresh(servers.at(-1)!, first.refreshToken)
  expect(reused.status, reused.text).toBe(401)
  for (const one of servers) {
    for (const accessToken of [user.token, first.accessToken, token]) {
      expect((await rest(one, 'GET /me', { token: accessToken })).status).toBe(401)
    }
  }
  await expectEnded(streams)
  expect((await refresh(server, second.refreshToken)).status).toBe(401)
  // Other sessions of the user are none of the thief's business.
  const { email, password } = user
  expect((await rest(server, 'POST /auth/sign-in', { body: { email, password } })).status).toBe(200)
})

test('a token spent two refreshes ago ends the session too', async () => {
  const user = await signUp(server)
  let { refreshToken } = user
  for (let round = 0; round < 2; round++) refreshToken = (await refresh(server, refreshToken)).body.refreshToken
  expect((await refresh(server, user.refreshToken)).status).toBe(401)
  expect((await refresh(server, refreshToken)).status).toBe(401)
})

test('a reuse among many at once ends the session, and at most one of them was answered', async () => {
  const user = await signUp(server)
  const { refreshToken } = (await refresh(server, user.refreshToken)).body
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => refresh(server, index === 10 ? user.refreshToken : refreshToken)),
  )
  const good = answers.filter(({ status }) => status === 200)
  expect(good.length).toBeLessThanOrEqual(1)
  for (const { body } of good) expect((await rest(server, 'GET /me', { token: body.accessToken })).status).toBe(401)
})

test('a refresh token that nobody has ends nothing', async () => {
  const user = await signUp(server)
  expect((await refresh(server, 'A'.repeat(43))).status).toBe(401)
  expect((await refresh(server, `${user.refreshToken}A`)).status).toBe(401)
  expect((await refresh(server, user.refreshToken)).status).toBe(200)
})

test('a session that expired, was ended, or whose user is disabled is not refreshed', async () => {
  const past = new Date(Date.now() - 1_000)
  const spoilers: ((userId: string) => Promise<unknown>)[] = [
    (userId) => server.db.session.updateMany({ where: { userId }, data: { expiresAt: past } }),
    (userId) => server.db.session.updateMany({ where: { userId }, data: { revokedAt: past } }),
    (id) => server.db.user.update({ where: { id }, data: { disabledAt: past } }),
    (id) => server.db.user.delete({ where: { id } }),
  ]
  for (const spoil of spoilers) {
    const user = await signUp(server)
    await spoil(user.id)
    const { status, text } = await refresh(server, user.refreshToken)
    expect(status, `${spoil} ${text}`).toBe(401)
  }
})
