import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { purgeStoredAnswers } from '../../src/app/idempotency.ts'
import { graphql, type RestOptions, rest } from '../support/clients.ts'
import { onPostgres, testDatabase, urlSettings } from '../support/database.ts'
import { serverProcess } from '../support/process.ts'
import { type OwnServer, signUp, type TestUser } from '../support/server.ts'
import { closeServers, ownServers } from '../support/servers.ts'

let servers: OwnServer[]
let server: OwnServer
let user: TestUser
let token: string

beforeAll(async () => {
  servers = await ownServers({ RATE_LIMIT: 'off' })
  server = servers[0]!
  user = await signUp(server)
  token = user.token
})
afterAll(() => closeServers(servers))

const send = (call: string, key: string, options: RestOptions = {}, at: { url: string } = server) =>
  rest(at, call, { token, ...options, headers: { 'idempotency-key': key, ...options.headers } })
const create = (key: string, title = 'Once', at?: { url: string }) => send('POST /tasks', key, { body: { title } }, at)
const titled = (title: string) => server.db.task.findMany({ where: { title } })

describe('a request with an Idempotency-Key', () => {
  test('runs once and replays its status, body, Location and ETag', async () => {
    const [key, title] = [randomUUID(), randomUUID()]
    const first = await create(key, title)
    const again = await create(key, title)
    expect(first.status, first.text).toBe(201)
    expect({ status: again.status, text: again.text }).toEqual({ status: 201, text: first.text })
    for (const name of ['location', 'etag']) expect(again.headers.get(name)).toBe(first.headers.get(name))
    expect([first, again].map((answer) => answer.headers.get('idempotency-replayed'))).toEqual([null, 'true'])
    expect(await titled(title)).toHaveLength(1)
    const events = await server.db.event.findMany({ where: { subjectId: first.body.id } })
    expect(events.map((event) => event.type)).toEqual(['task.created'])
  })

  test('replays the original answer even after the task was changed and deleted', async () => {
    const key = randomUUID()
    const first = await create(key)
    await rest(server, `PATCH /tasks/${first.body.id}`, { token, body: { title: 'Changed' } })
    await rest(server, `DELETE /tasks/${first.body.id}`, { token })
    expect((await create(key)).text).toBe(first.text)
  })

  test('runs once when 100 arrive together: the rest get the same answer, or CONFLICT while it runs', async () => {
    const [key, title] = [randomUUID(), randomUUID()]
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => create(key, title, servers[index % servers.length])),
    )
    expect(await titled(title)).toHaveLength(1)
    const statuses = new Set(answers.map((answer) => answer.status))
    expect([...statuses].filter((status) => status !== 201 && status !== 409)).toEqual([])
    const done = answers.filter((answer) => answer.status === 201)
    expect(done.length).toBeGreaterThan(0)
    expect(new Set(done.map((answer) => answer.text)).size).toBe(1)
    const waiting = answers.find((answer) => answer.status === 409)
    if (waiting) expect([waiting.body.code, waiting.headers.get('retry-after')]).toEqual(['CONFLICT', '1'])
  })

  test('fails with IDEMPOTENCY_KEY_REUSED when the key belongs to a different request', async () => {
    const [key, title] = [randomUUID(), randomUUID()]
    await create(key)
    const other = await create(key, title)
    expect({ status: other.status, code: other.body.code }).toEqual({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(other.body.errors).toMatchObject([{ path: ['header', 'Idempotency-Key'] }])
    expect(await titled(title)).toEqual([])
    const elsewhere = await send('POST /projects', key, { body: { name: 'Once' } })
    expect(elsewhere.body.code).toBe('IDEMPOTENCY_KEY_REUSED')
  })

  test('fails with IDEMPOTENCY_KEY_REUSED when it runs another operation of the same document', async () => {
    const [key, title] = [randomUUID(), randomUUID()]
    const query = ['A', 'B']
      .map((name) => `mutation ${name} { createTask(input: { title: "${title}" }) { id } }`)
      .join()
    const ask = async (operationName: string) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'idempotency-key': key }
      const body = JSON.stringify({ query, operationName })
      return (await fetch(`${server.url}/graphql`, { method: 'POST', headers, body })).json()
    }
    expect(await ask('A')).toMatchObject({ data: { createTask: { id: expect.any(String) } } })
    expect(await ask('B')).toMatchObject({ errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }] })
    expect(await titled(title)).toHaveLength(1)
  })

  test('runs again after a failure', async () => {
    const [key, title] = [randomUUID(), randomUUID()]
    const body = { projectId: randomUUID(), title }
    for (const _ of [1, 2]) {
      const refused = await send('POST /tasks', key, { body })
      expect({ status: refused.status, replayed: refused.headers.get('idempotency-replayed') }).toEqual({
        status: 404,
        replayed: null,
      })
    }
    expect((await create(key, title)).status).toBe(201)
  })

  test('does not share its key with other users', async () => {
    const key = randomUUID()
    const mine = await create(key)
    const other = await signUp(server)
    const theirs = await send('POST /tasks', key, { token: other.token, body: { title: 'Once' } })
    expect(theirs.status).toBe(201)
    expect(theirs.body.id).not.toBe(mine.body.id)
  })

  test.each<[string, () => Promise<[string, RestOptions]>, number]>([
    ['a change', async () => [`PATCH /tasks/${(await create(randomUUID())).body.id}`, { body: { priority: 3 } }], 200],
    ['a deletion', async () => [`DELETE /tasks/${(await create(randomUUID())).body.id}`, {}], 204],
    ['a batch', async () => ['POST /tasks/bulk', { body: { items: [{ title: 'a' }, { title: '' }] } }], 200],
    ['a dry run', async () => ['POST /tasks/bulk', { body: { dryRun: true, items: [{ title: 'a' }] } }], 200],
    ['a new project', async () => ['POST /projects', { body: { name: 'Made once' } }], 201],
  ])('replays %s', async (_what, request, status) => {
    const key = randomUUID()
    const [call, options] = await request()
    const first = await send(call, key, options)
    const events = await server.db.event.count()
    const again = await send(call, key, options)
    expect({ status: first.status, text: again.text }, first.text).toEqual({ status, text: first.text })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await server.db.event.count()).toBe(events)
  })

  test('replays the full selection over GraphQL, and rolls back a document that fails in part', async () => {
    const [key, title] = [randomUUID(), randomUUID()]
    const query =
      'mutation ($title: String!) { createTask(input: { title: $title }) { id project { key } creator { name } } }'
    const ask = () => graphql(server, query, { title }, { token, headers: { 'idempotency-key': key } })
    const [first, again] = [await ask(), await ask()]
    expect(first.data.createTask.project.key).toEqual(expect.any(String))
    expect(again).toEqual(first)
    expect(await titled(title)).toHaveLength(1)
    const two = `mutation { a: createTask(input: { title: "${title}" }) { id } b: createTask(input: { title: "" }) { id } }`
    const failed = await graphql(server, two, {}, { token, headers: { 'idempotency-key': randomUUID() } })
    expect(failed.errors).toHaveLength(1)
    expect(await titled(title)).toHaveLength(1)
  })

  test('is rejected on operations with secrets, when signed out, and with an invalid key', async () => {
    const account = { email: user.email, password: user.password }
    const places: [string, RestOptions][] = [
      ['POST /auth/sign-in', { body: account, token: undefined }],
      ['POST /auth/register', { body: { ...account, name: 'A' }, token: undefined }],
      ['POST /api-keys', { body: { name: 'A', scopes: ['tasks:read'] } }],
      ['POST /auth/stream-ticket', {}],
      ['POST /me/password', { body: { currentPassword: 'x', newPassword: 'another password' } }],
    ]
    for (const [call, options] of places) {
      const refused = await send(call, randomUUID(), options)
      expect({ call, status: refused.status, errors: refused.body.errors }).toMatchObject({
        status: 422,
        errors: [{ path: ['header', 'Idempotency-Key'], code: 'unsupported' }],
      })
    }
    expect((await send('POST /tasks', randomUUID(), { token: undefined, body: { title: 'A' } })).status).toBe(401)
    for (const key of ['', ' ', 'a b', 'x'.repeat(256), 'é']) {
      const refused = await send('POST /tasks', key, { body: { title: 'A' } }).catch(() => undefined)
      if (refused) expect({ key, status: refused.status }).toEqual({ key, status: 422 })
    }
    const records = await server.db.idempotencyRecord.findMany({ where: { answer: { equals: [] } } })
    expect(records).toEqual([])
  })

  test('runs again after a day, when its record has expired', async () => {
    const [key, title] = [randomUUID(), randomUUID()]
    await create(key, title)
    const createdAt = new Date(Date.now() - 24 * 3_600_000 - 1_000)
    await server.db.idempotencyRecord.updateMany({ where: { key }, data: { createdAt } })
    expect((await create(key, title)).headers.get('idempotency-replayed')).toBeNull()
    expect(await titled(title)).toHaveLength(2)
    await server.db.idempotencyRecord.updateMany({ where: { key }, data: { createdAt } })
    expect(await purgeStoredAnswers(server.db)).toBe(1)
  })

  test('ignores the key on reads', async () => {
    expect((await send('GET /tasks', 'a b')).status).toBe(200)
  })
})

test('an answer is replayed after kill -9 and by a second server', async () => {
  const { options, drop } = await testDatabase()
  onTestFinished(drop)
  const settings = {
    DATA_DIR: options.dataDir,
    JWT_SECRET: 'a secret for tests that is long enough',
    ...urlSettings(options),
  }
  const first = await serverProcess(settings)
  const person = await signUp(first)
  const key = randomUUID()
  const ask = (at: { url: string }) =>
    send('POST /tasks', key, { token: person.token, body: { title: 'Survivor' } }, at)
  const answer = await ask(first)
  if (onPostgres) expect((await ask(await serverProcess(settings))).text).toBe(answer.text)
  await first.kill('SIGKILL')
  const next = await serverProcess(settings)
  const again = await ask(next)
  expect({ text: again.text, replayed: again.headers.get('idempotency-replayed') }).toEqual({
    text: answer.text,
    replayed: 'true',
  })
  const { body } = await rest(next, 'GET /tasks', { token: person.token })
  expect(body.nodes).toHaveLength(1)
})
