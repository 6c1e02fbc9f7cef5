import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RestAnswer, rest } from '../support/clients.ts'
import { expectEnded, openStreams } from '../support/open-streams.ts'
import { type OwnServer, signUp } from '../support/server.ts'
import { closeServers, ownServers } from '../support/servers.ts'
import { until } from '../support/wait.ts'

/** Two servers on PostgreSQL, one on the embedded database. */
let servers: OwnServer[]
let server: OwnServer

beforeAll(async () => {
  servers = await ownServers()
  server = servers[0]!
  // Warm up, so that the first request of the process does not distort the races.
  await signUp(server)
})
afterAll(() => closeServers(servers))

const CONCURRENCY = 50
const ROUNDS = 4

const refresh = (at: OwnServer, refreshToken: string) => rest(at, 'POST /auth/refresh', { body: { refreshToken } })
const statuses = (answers: RestAnswer[]) => answers.map(({ status }) => status).sort()

test('one of 50 concurrent refreshes succeeds across all servers, and its new token works', async () => {
  let { refreshToken } = await signUp(server)
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await Promise.all(
      Array.from({ length: CONCURRENCY }, (_, index) => refresh(servers[index % servers.length]!, refreshToken)),
    )
    expect(statuses(answers), `round ${round}`).toEqual([200, ...Array(CONCURRENCY - 1).fill(401)])
    const { body } = answers.find(({ status }) => status === 200)!
    for (const one of servers) {
      const me = await rest(one, 'GET /me', { token: body.accessToken })
      expect(me.status, `round ${round}: ${me.text}`).toBe(200)
    }
    // The next round proves that the new refresh token works.
    refreshToken = body.refreshToken
  }
  expect((await refresh(server, refreshToken)).status).toBe(200)
})

/**
 * Refreshes once while the same token is sent to the last server every 300 ms, for the given time
 * or until the first refresh is answered. Returns that answer and how long it took.
 */
async function raceFor(refreshToken: string, milliseconds = Infinity) {
  const started = performance.now()
  let won = false
  const winner = refresh(server, refreshToken).then((answer) => {
    won = true
    return { ...answer, after: performance.now() - started }
  })
  const others: Promise<RestAnswer>[] = []
  while (!won && performance.now() - started < milliseconds) {
    await wait(300)
    others.push(refresh(servers.at(-1)!, refreshToken))
  }
  expect(new Set(statuses(await Promise.all(others)))).toEqual(new Set([401]))
  return await winner
}

/** Repeats a race that ended early because a busy machine sent the other refreshes too late. */
async function raceAtLeast(milliseconds: number, run: () => ReturnType<typeof raceFor>) {
  for (let attempt = 1; ; attempt++) {
    const winner = await run()
    if (winner.after > milliseconds || attempt === 10) return winner
  }
}

test('holds back the new token while refreshes with the old one still race, as on a busy server', async () => {
  const { status, body, after } = await raceAtLeast(1_500, async () =>
    raceFor((await signUp(server)).refreshToken, 1_500),
  )
  expect(status).toBe(200)
  expect(after).toBeGreaterThan(1_500)
  expect((await rest(server, 'GET /me', { token: body.accessToken })).status).toBe(200)
})

test('sending a spent token forever delays the new one by five seconds, then ends the session', async () => {
  let refreshToken = ''
  const { status, body, after } = await raceAtLeast(4_900, async () => {
    ;({ refreshToken } = await signUp(server))
    return raceFor(refreshToken)
  })
  expect(status).toBe(200)
  expect(after).toBeGreaterThan(4_900)
  expect((await refresh(servers.at(-1)!, refreshToken)).status).toBe(401)
  expect((await rest(server, 'GET /me', { token: body.accessToken })).status).toBe(401)
})

test('reusing a spent token ends the session, its tokens and its streams on all servers within a second', async () => {
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
      const isRefused = async () => (await rest(one, 'GET /me', { token: accessToken })).status === 401
      await until('every server refuses the tokens', isRefused)
    }
  }
  await expectEnded(streams)
  expect((await refresh(server, second.refreshToken)).status).toBe(401)
  // The user can still sign in.
  const { email, password } = user
  expect((await rest(server, 'POST /auth/sign-in', { body: { email, password } })).status).toBe(200)
})

test('reusing a token spent two refreshes ago also ends the session', async () => {
  const user = await signUp(server)
  let { refreshToken } = user
  for (let round = 0; round < 2; round++) refreshToken = (await refresh(server, refreshToken)).body.refreshToken
  expect((await refresh(server, user.refreshToken)).status).toBe(401)
  expect((await refresh(server, refreshToken)).status).toBe(401)
})

test('a reuse among concurrent refreshes ends the session, and at most one of them succeeds', async () => {
  const user = await signUp(server)
  const { refreshToken } = (await refresh(server, user.refreshToken)).body
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => refresh(server, index === 10 ? user.refreshToken : refreshToken)),
  )
  const good = answers.filter(({ status }) => status === 200)
  expect(good.length).toBeLessThanOrEqual(1)
  for (const { body } of good) expect((await rest(server, 'GET /me', { token: body.accessToken })).status).toBe(401)
})

test('an unknown refresh token ends no session', async () => {
  const user = await signUp(server)
  expect((await refresh(server, 'A'.repeat(43))).status).toBe(401)
  expect((await refresh(server, `${user.refreshToken}A`)).status).toBe(401)
  expect((await refresh(server, user.refreshToken)).status).toBe(200)
})

test('rejects a refresh if the session is expired or revoked, or its user is disabled or deleted', async () => {
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
