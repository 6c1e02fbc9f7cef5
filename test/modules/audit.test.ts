import { beforeAll, describe, expect, test } from 'vitest'
import { purgeAudit } from '../../src/modules/audit/service.ts'
import { graphql, rest } from '../support/clients.ts'
import { newProject } from '../support/factories.ts'
import { apiKey, signUpAdminAt, signUpAt } from '../support/people.ts'
import {
  noticeWrites,
  ownServerForTest,
  sharedServer,
  signUp,
  signUpAdmin,
  type TestServer,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

let server: TestServer
let admin: { id: string; token: string }

beforeAll(async () => {
  server = await sharedServer()
  admin = await signUpAdmin(server)
  await noticeWrites(server, admin)
})

const as = (caller: { token: string }, request: string, body?: object) =>
  rest(server, request, { token: caller.token, ...(body && { body }) })

interface Entry {
  id: string
  action: string
  actorId: string | null
  sessionId: string | null
  apiKeyId: string | null
  requestId: string | null
  userId: string | null
  subjectId: string | null
  projectId: string | null
  details: object
}

/** Returns the entries that match, oldest first. */
async function entries(query: string, at = server, by = admin): Promise<Entry[]> {
  const answer = await rest(at, `GET /admin/audit?limit=100&${query}`, { token: by.token })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.nodes.reverse()
}

/** Returns what happens to a user's account while `act` runs. */
async function during(userId: string, act: () => Promise<unknown>): Promise<Entry[]> {
  const before = new Set((await entries(`userId=${userId}`)).map(({ id }) => id))
  await act()
  return (await entries(`userId=${userId}`)).filter(({ id }) => !before.has(id))
}

const sessionOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).sid

async function signIn({ email, password }: { email: string; password: string }) {
  const answer = await rest(server, 'POST /auth/sign-in', { body: { email, password } })
  return { status: answer.status, requestId: answer.headers.get('x-request-id'), token: answer.body.accessToken }
}

describe('signing in and out', () => {
  test('a sign-in is logged with its session and request, and its end with who ended it', async () => {
    const user = await signUp(server)
    let token = ''
    const [opened] = await during(user.id, async () => {
      const signed = await signIn(user)
      token = signed.token
      expect(signed.status).toBe(200)
    })
    const sessionId = sessionOf(token)
    expect(opened).toMatchObject({ action: 'session.opened', actorId: user.id, subjectId: sessionId, sessionId })

    const ended = await during(user.id, () => as({ token }, 'POST /auth/sign-out'))
    expect(ended).toMatchObject([
      { action: 'session.revoked', actorId: user.id, userId: user.id, subjectId: sessionId, sessionId },
    ])
    const other = (await signIn(user)).token
    const revoked = await during(user.id, () => as(user, `DELETE /sessions/${sessionOf(other)}`))
    expect(revoked).toMatchObject([
      { action: 'session.revoked', subjectId: sessionOf(other), sessionId: sessionOf(user.token) },
    ])
  })

  test('an entry has the id of the request that caused it', async () => {
    const user = await signUp(server)
    const { requestId, token } = await signIn(user)
    expect(requestId).toBeTruthy()
    const [opened] = await entries(`subjectId=${sessionOf(token)}`)
    expect(opened?.requestId).toBe(requestId)
  })

  test('a wrong password is logged for an account, and for an unknown address nothing is', async () => {
    const user = await signUp(server)
    const [failed] = await during(user.id, async () => {
      expect((await signIn({ ...user, password: 'a wrong password' })).status).toBe(401)
      await until(
        'the failure is logged',
        async () => (await entries(`userId=${user.id}&actions=signIn.failed`)).length > 0,
      )
    })
    expect(failed).toMatchObject({
      action: 'signIn.failed',
      actorId: null,
      sessionId: null,
      subjectId: user.id,
      details: {},
    })

    await signIn({ email: 'nobody-has-this@example.org', password: 'a wrong password' })
    const marker = await signUp(server)
    await signIn({ ...marker, password: 'a wrong password' })
    await until(
      'a later failure is logged',
      async () => (await entries(`userId=${marker.id}&actions=signIn.failed`)).length > 0,
    )
    expect((await entries('actions=signIn.failed')).filter(({ userId }) => userId === null)).toEqual([])
  })

  test('wrong passwords of one user cannot fill the log', async () => {
    const user = await signUp(server)
    const failed = { action: 'signIn.failed', userId: user.id, subjectId: user.id }
    await server.db.auditEntry.createMany({ data: Array.from({ length: 19 }, () => failed) })
    const failures = () => entries(`userId=${user.id}&actions=signIn.failed`)
    await signIn({ ...user, password: 'a wrong password' })
    await until('the twentieth is logged', async () => (await failures()).length === 20)
    expect((await failures()).at(-1)?.details).toEqual({ furtherOmitted: true })

    await signIn({ ...user, password: 'a wrong password' })
    const marker = await signUp(server)
    await signIn({ ...marker, password: 'a wrong password' })
    await until(
      'a later failure is logged',
      async () => (await entries(`userId=${marker.id}&actions=signIn.failed`)).length > 0,
    )
    expect(await failures()).toHaveLength(20)
  })

  test('a reused refresh token is logged, and that the server ended the session', async () => {
    const user = await signUp(server)
    const refresh = () => rest(server, 'POST /auth/refresh', { body: { refreshToken: user.refreshToken } })
    expect((await refresh()).status).toBe(200)
    const reused = await during(user.id, async () => expect((await refresh()).status).toBe(401))
    const about = { actorId: null, userId: user.id, subjectId: sessionOf(user.token), requestId: expect.any(String) }
    expect(reused).toMatchObject([
      { action: 'session.revoked', ...about },
      { action: 'session.reused', ...about },
    ])
  })
})

describe('accounts', () => {
  test('a registration and a password change are logged', async () => {
    const account = {
      email: `audit-${crypto.randomUUID()}@example.org`,
      password: 'correct horse battery',
      name: 'New',
    }
    const { body } = await rest(server, 'POST /auth/register', { body: account })
    const { id } = body.user
    const caller = { token: body.accessToken }
    expect(await entries(`userId=${id}`)).toMatchObject([
      { action: 'user.created', actorId: null, subjectId: id, details: { role: 'MEMBER' } },
      { action: 'member.added', actorId: id, details: { role: 'OWNER' } },
      { action: 'session.opened', actorId: id },
    ])
    const other = (await signIn(account)).token
    const change = { currentPassword: account.password, newPassword: 'another horse battery' }
    const changed = await during(id, () => as(caller, 'POST /me/password', change))
    expect(changed).toMatchObject([
      { action: 'user.passwordChanged', actorId: id, sessionId: sessionOf(caller.token) },
      { action: 'session.revoked', actorId: id, subjectId: sessionOf(other) },
    ])
    const refused = await during(id, async () => {
      expect((await as(caller, 'POST /me/password', change)).status).toBe(403)
      await until('it is logged', async () => (await entries(`userId=${id}&actions=password.refused`)).length > 0)
    })
    expect(refused).toMatchObject([{ action: 'password.refused', actorId: id, sessionId: sessionOf(caller.token) }])
  })

  test('what an ADMIN does to an account is logged with the ADMIN', async () => {
    const input = { email: `audit-${crypto.randomUUID()}@example.org`, password: 'correct horse battery', name: 'New' }
    const { body: user } = await as(admin, 'POST /users', input)
    const by = { actorId: admin.id, sessionId: sessionOf(admin.token), userId: user.id }
    expect(await entries(`userId=${user.id}`)).toMatchObject([
      { action: 'user.created', ...by, details: { role: 'MEMBER' } },
      { action: 'member.added', ...by },
    ])
    const acts = await during(user.id, async () => {
      for (const change of [
        { role: 'ADMIN' },
        { name: 'Newer' },
        { password: 'another horse battery' },
        { disabled: true },
        { disabled: false },
      ])
        expect((await as(admin, `PATCH /users/${user.id}`, change)).status).toBe(200)
      expect((await as(admin, `POST /users/${user.id}/notify`, { message: 'Hello there' })).status).toBeLessThan(300)
      expect((await as(admin, `DELETE /users/${user.id}`)).status).toBe(204)
    })
    expect(acts.map(({ action }) => action)).toEqual([
      ...['user.roleChanged', 'user.renamed', 'user.passwordChanged', 'user.disabled', 'user.enabled', 'user.notified'],
      ...['member.removed', 'user.deleted'],
    ])
    for (const act of acts) expect(act).toMatchObject({ ...by, requestId: expect.any(String) })
    expect(acts[0]?.details).toEqual({ role: { from: 'MEMBER', to: 'ADMIN' } })
  })

  test('a change of the e-mail address is logged, one of the own name is not, and neither shows its value', async () => {
    const user = await signUp(server)
    const email = `audit-${crypto.randomUUID()}@example.org`
    const changed = await during(user.id, async () => {
      await as(user, 'PATCH /me', { name: 'Somebody Else' })
      expect((await as(user, 'PATCH /me', { email, currentPassword: user.password })).status).toBe(200)
    })
    expect(changed).toMatchObject([{ action: 'user.emailChanged', actorId: user.id, details: {} }])
  })

  test('an account that its owner deletes is logged with its owner', async () => {
    const user = await signUp(server)
    const acts = await during(user.id, async () => {
      expect((await as(user, 'DELETE /me', { currentPassword: user.password })).status).toBe(204)
    })
    expect(acts.map(({ action }) => action)).toEqual(['member.removed', 'user.deleted'])
    for (const act of acts) expect(act).toMatchObject({ actorId: user.id, sessionId: sessionOf(user.token) })
  })

  test('a change that is refused leaves no entry', async () => {
    const own = await ownServerForTest()
    const only = await signUp(own)
    const ids = async () => (await entries('', own, only)).map(({ id }) => id)
    const before = await ids()
    const { status } = await rest(own, `PATCH /users/${only.id}`, { token: only.token, body: { role: 'MEMBER' } })
    expect(status).toBe(409)
    expect(await ids()).toEqual(before)
  })
})

test('API keys are logged with their scopes, and what is done with one with its id', async () => {
  const user = await signUpAt(server, 'With a key')
  let key = { id: '', secret: '' }
  const acts = await during(user.id, async () => {
    key = (await as(user, 'POST /api-keys', { name: 'A key', scopes: ['tasks:read'] })).body
    expect((await rest(server, 'GET /tasks/export', { token: key.secret })).status).toBe(200)
    expect((await as(user, `DELETE /api-keys/${key.id}`)).status).toBe(204)
  })
  const by = { actorId: user.id, sessionId: sessionOf(user.token), subjectId: key.id }
  expect(acts).toMatchObject([
    { action: 'apiKey.created', ...by, details: { scopes: ['tasks:read'] } },
    { action: 'apiKey.revoked', ...by },
  ])
  const [exported] = await entries(`actorId=${user.id}&actions=tasks.exported`)
  expect(exported).toMatchObject({ apiKeyId: key.id, sessionId: null, details: { format: 'csv' } })
})

test('members and their roles are logged, and the end of their project', async () => {
  const owner = await signUpAt(server, 'Owner')
  const user = await signUp(server)
  const { id: projectId } = await newProject(owner)
  const acts = await during(user.id, async () => {
    await as(owner, `POST /projects/${projectId}/members`, { email: user.email, role: 'VIEWER' })
    await as(owner, `PUT /projects/${projectId}/members/${user.id}`, { role: 'EDITOR' })
    await as(owner, `DELETE /projects/${projectId}/members/${user.id}`)
  })
  const by = { actorId: owner.id, sessionId: sessionOf(owner.token), projectId, subjectId: user.id }
  expect(acts).toMatchObject([
    { action: 'member.added', ...by, details: { role: 'VIEWER' } },
    { action: 'member.roleChanged', ...by, details: { role: { from: 'VIEWER', to: 'EDITOR' } } },
    { action: 'member.removed', ...by, details: { role: 'EDITOR' } },
  ])
  expect((await as(owner, `DELETE /projects/${projectId}`)).status).toBe(204)
  expect(await entries(`subjectId=${projectId}`)).toMatchObject([{ action: 'project.deleted', actorId: owner.id }])
})

test('exports, imports and the deletion of all tasks are logged', async () => {
  const person = await signUpAdminAt(server)
  const { id: projectId } = await newProject(person)
  const csv = { headers: { 'content-type': 'text/csv' }, raw: 'title\nImported\n', token: person.token }
  await as(person, 'GET /me/export')
  await as(person, `GET /tasks/export?format=json&projectId=${projectId}`)
  await rest(server, `POST /tasks/import?projectId=${projectId}&format=csv&dryRun=true`, csv)
  expect((await rest(server, `POST /tasks/import?projectId=${projectId}&format=csv`, csv)).status).toBe(200)
  expect((await as(person, 'DELETE /admin/tasks', { projectId, confirm: 'delete all tasks' })).status).toBe(200)
  await as(person, 'GET /admin/audit/export?actions=tasks.cleared')
  const acts = await entries(
    `actorId=${person.id}&${[
      'account.exported',
      'tasks.exported',
      'tasks.imported',
      'tasks.cleared',
      'auditLog.exported',
    ]
      .map((action) => `actions=${action}`)
      .join('&')}`,
  )
  expect(acts).toMatchObject([
    { action: 'account.exported', userId: person.id },
    { action: 'tasks.exported', projectId, details: { format: 'json', filtered: true } },
    { action: 'tasks.imported', projectId, details: { format: 'csv' } },
    { action: 'tasks.cleared', projectId },
    { action: 'auditLog.exported' },
  ])
})

describe('reading', () => {
  test('filters combine, and times bound the list', async () => {
    const user = await signUpAt(server)
    await apiKey(user, 'tasks:read')
    const [created] = await entries(`userId=${user.id}&actions=apiKey.created`)
    const row = await server.db.auditEntry.findUniqueOrThrow({ where: { id: created!.id } })
    const at = encodeURIComponent(row.at.toISOString())
    const later = encodeURIComponent(new Date(row.at.getTime() + 1).toISOString())
    const found = async (query: string) => (await entries(`userId=${user.id}&actions=apiKey.created&${query}`)).length
    expect(await found(`from=${at}&to=${later}`)).toBe(1)
    expect(await found(`to=${at}`)).toBe(0)
    expect(await found(`from=${later}`)).toBe(0)
    expect(await found(`actorId=${admin.id}`)).toBe(0)
  })

  test('GraphQL and REST show the same pages, newest first', async () => {
    const query = `query ($userId: ID!, $after: String) {
      auditLog(userId: $userId, first: 2, after: $after) {
        nodes { id at action actorId sessionId apiKeyId requestId userId subjectId projectId details }
        pageInfo { hasNextPage endCursor }
        totalCount
      }
    }`
    const user = await signUp(server)
    await signIn(user)
    const all = []
    let after: string | null = null
    do {
      const answer = await graphql(server, query, { userId: user.id, after }, { token: admin.token })
      const { nodes, pageInfo, totalCount } = answer.data.auditLog
      all.push(...nodes)
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null
      if (after === null) expect(all).toHaveLength(totalCount)
    } while (after !== null)
    expect(all.map(({ action }) => action)).toEqual([
      'session.opened',
      'session.opened',
      'member.added',
      'user.created',
    ])
    expect(await entries(`userId=${user.id}`)).toEqual(all.reverse())
  })

  test('the export has all entries that match, oldest first, one JSON object per line', async () => {
    const user = await signUp(server)
    const many = Array.from({ length: 1_203 }, (_, index) => ({
      action: 'session.opened',
      userId: user.id,
      subjectId: user.id,
      at: new Date(Date.UTC(2026, 0, 1) + (index % 700)),
      details: { index },
    }))
    await server.db.auditEntry.createMany({ data: many })
    const answer = await as(admin, `GET /admin/audit/export?subjectId=${user.id}&actions=session.opened`)
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
    expect(answer.headers.get('content-disposition')).toContain('audit.ndjson')
    const lines = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(new Set(lines.map(({ details }) => details.index)).size).toBe(many.length)
    expect(lines).toHaveLength(many.length)
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).sort())
    const [listed] = await entries(`subjectId=${user.id}&actions=session.opened&to=2026-01-01T00:00:00.001Z`)
    expect(lines).toContainEqual(listed)
  })

  test('entries name nobody: no address, name, password or secret is in them', async () => {
    const own = await ownServerForTest()
    const account = { email: 'grace@example.org', password: 'correct horse battery', name: 'Grace Hopper' }
    const { body } = await rest(own, 'POST /auth/register', { body: account })
    const token = body.accessToken
    const key = await rest(own, 'POST /api-keys', { token, body: { name: 'Nightly', scopes: ['admin'] } })
    await rest(own, 'PATCH /me', { token, body: { email: 'hopper@example.org', currentPassword: account.password } })
    expect((await rest(own, 'GET /tasks/export?search=Waldo', { token })).status).toBe(200)
    await rest(own, 'POST /auth/sign-in', { body: { email: 'hopper@example.org', password: 'wrong' } })
    await until(
      'the failure is logged',
      async () => (await own.db.auditEntry.count({ where: { action: 'signIn.failed' } })) > 0,
    )
    const text = JSON.stringify(await own.db.auditEntry.findMany())
    for (const secret of [
      'grace',
      'hopper',
      'Grace',
      'horse',
      'wrong',
      'Nightly',
      'Waldo',
      key.body.secret,
      '127.0.0.1',
    ])
      expect(text).not.toContain(secret)
  })
})

describe('the database', () => {
  test('neither changes nor deletes an entry', async () => {
    const { db } = server
    const { id } = await db.auditEntry.create({ data: { action: 'session.opened', at: new Date('2020-01-01') } })
    const refusal = 'entries of the audit log are neither changed nor deleted'
    await expect(db.$executeRaw`UPDATE "AuditEntry" SET "actorId" = NULL WHERE "id" = ${id}::uuid`).rejects.toThrow(
      refusal,
    )
    await expect(db.$executeRaw`DELETE FROM "AuditEntry" WHERE "id" = ${id}::uuid`).rejects.toThrow(refusal)
    await expect(db.$executeRaw`TRUNCATE "AuditEntry"`).rejects.toThrow(refusal)
    expect(await db.auditEntry.findUnique({ where: { id } })).not.toBeNull()
  })

  test('loses only entries older than AUDIT_RETENTION_DAYS', async () => {
    const own = await ownServerForTest()
    const { db } = own
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
    const old = Array.from({ length: 1_500 }, () => ({ action: 'session.opened', at: daysAgo(366) }))
    const kept = await db.auditEntry.create({ data: { action: 'session.opened', at: daysAgo(364) } })
    await db.auditEntry.createMany({ data: old })
    expect(await purgeAudit(db, daysAgo(365), new AbortController().signal)).toBe(1_500)
    expect(await db.auditEntry.findMany({ where: { at: { lt: daysAgo(1) }, userId: null } })).toMatchObject([
      { id: kept.id },
    ])
    await expect(db.$executeRaw`DELETE FROM "AuditEntry" WHERE "id" = ${kept.id}::uuid`).rejects.toThrow('neither')
  })
})
