import { expect, test } from 'vitest'
import { purgeSessions } from '../../src/modules/sessions/service.ts'
import { rest } from '../support/clients.ts'
import { openTestDatabase } from '../support/database.ts'
import { OPEN, openStreams } from '../support/open-streams.ts'
import { makeUser } from '../support/rows.ts'
import { ownServerForTest, signUp } from '../support/server.ts'

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000)
const TOMORROW = hoursAgo(-24)

test('deletes only sessions that ended more than a day ago, with their tokens', async () => {
  const { handle, close } = await openTestDatabase()
  try {
    const { db } = handle
    const { id: userId } = await makeUser(db)
    const sessions = {
      'expired a day ago': { expiresAt: hoursAgo(25) },
      'revoked a day ago': { expiresAt: TOMORROW, revokedAt: hoursAgo(25) },
      'expired just now': { expiresAt: hoursAgo(23) },
      'revoked just now': { expiresAt: TOMORROW, revokedAt: hoursAgo(23) },
      'open, and long unused': { expiresAt: TOMORROW, createdAt: hoursAgo(999), lastUsedAt: hoursAgo(999) },
    }
    for (const [userAgent, times] of Object.entries(sessions)) {
      const refreshTokens = { create: { hash: Buffer.from(userAgent) } }
      await db.session.create({ data: { userId, userAgent, refreshTokens, ...times } })
    }
    expect(await purgeSessions(db)).toBe(2)
    const left = await db.session.findMany({ include: { refreshTokens: true } })
    expect(left.map(({ userAgent }) => userAgent).sort()).toEqual([
      'expired just now',
      'open, and long unused',
      'revoked just now',
    ])
    expect(left.every(({ refreshTokens }) => refreshTokens.length === 1)).toBe(true)
    expect(await db.refreshToken.count()).toBe(3)
    expect(await purgeSessions(db)).toBe(0)
  } finally {
    await close()
  }
})

test('deleting old sessions keeps the user signed in and their streams open', async () => {
  const server = await ownServerForTest()
  const user = await signUp(server)
  const { email, password, token } = user
  const old = (await rest(server, 'POST /auth/sign-in', { body: { email, password } })).body
  await rest(server, 'POST /auth/sign-out', { token: old.accessToken })
  await server.db.session.updateMany({ where: { revokedAt: { not: null } }, data: { revokedAt: hoursAgo(25) } })
  const write = () => rest(server, 'POST /tasks', { token, body: { title: 'A task' } })
  const streams = await openStreams(server, { token }, write)
  // The housekeeping of the server may delete it first.
  await purgeSessions(server.db)
  expect(await server.db.session.count({ where: { revokedAt: { not: null } } })).toBe(0)
  await write()
  await streams.receive()
  expect(await streams.endings()).toEqual(OPEN)
  const refreshed = await rest(server, 'POST /auth/refresh', { body: { refreshToken: user.refreshToken } })
  expect(refreshed.status, refreshed.text).toBe(200)
  const reused = await rest(server, 'POST /auth/refresh', { body: { refreshToken: old.refreshToken } })
  expect(reused.status, reused.text).toBe(401)
})
