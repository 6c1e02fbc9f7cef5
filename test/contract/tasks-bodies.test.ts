import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Issue, rest } from '../support/clients.ts'
import { type Caller, data, overRest } from '../support/operations.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

/** Sends both protocols raw requests that must fail before any operation runs. */

const JSON_TYPE = 'application/json'
const QUERY = 'mutation ($input: CreateTaskInput!) { createTask(input: $input) { id } }'
const WHOLE = JSON.stringify({ title: 'A', query: QUERY, variables: { input: { title: 'A' } } })

let server: TestServer
let caller: Caller
let before: unknown

beforeAll(async () => {
  server = await sharedServer()
  caller = { url: server.url, token: (await signUp(server)).token }
})

const stateOfDatabase = async () => data(await overRest.eventCursor(caller))
beforeEach(async () => {
  before = await stateOfDatabase()
})
afterEach(async () => {
  expect(await stateOfDatabase(), 'something was written').toEqual(before)
})

interface Refusal {
  status: number
  code: string | undefined
  issues: Issue[]
  shown: string
}

async function send(path: string, init: RequestInit): Promise<Refusal> {
  const headers = { authorization: `Bearer ${caller.token}`, ...init.headers }
  const response = await fetch(`${server.url}${path}`, { method: 'POST', ...init, headers })
  const text = await response.text()
  const shown = `${init.method ?? 'POST'} ${path} ${init.body ?? ''} answered ${response.status} ${text}`
  const answer = text.startsWith('{') ? JSON.parse(text) : {}
  const { code, issues } = answer.errors?.[0]?.extensions ?? { code: answer.code, issues: answer.errors }
  return { status: response.status, code, issues: issues ?? [], shown }
}

describe.each([
  { protocol: 'GraphQL', path: '/graphql' },
  { protocol: 'REST', path: '/api/v1/tasks' },
])('over $protocol', ({ path }) => {
  test.each<[string, string | Uint8Array<ArrayBuffer>]>([
    ['truncated JSON', WHOLE.slice(0, -1)],
    ['JSON with trailing characters', `${WHOLE}]`],
    ['text that is not JSON', 'title=A'],
    ['invalid UTF-8', Buffer.from(WHOLE.replaceAll('"A"', '"\xff"'), 'latin1')],
    ['only a byte order mark', '\ufeff'],
  ])('a body of %s is a BAD_REQUEST', async (_what, body) => {
    const refused = await send(path, { body, headers: { 'content-type': JSON_TYPE } })
    expect(refused, refused.shown).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  })

  test.each([
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/mixed; boundary=x',
    'application/xml',
    'application/jsonp',
    'nonsense',
  ])('a body of type %s is an UNSUPPORTED_MEDIA_TYPE', async (type) => {
    const refused = await send(path, { body: WHOLE, headers: { 'content-type': type } })
    expect(refused, refused.shown).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  test('a body without a content type is an UNSUPPORTED_MEDIA_TYPE', async () => {
    const refused = await send(path, { body: Buffer.from(WHOLE) })
    expect(refused, refused.shown).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  test.each(['[]', '"text"', '5', 'null', 'true'])('the body %s is rejected', async (body) => {
    const refused = await send(path, { body, headers: { 'content-type': JSON_TYPE } })
    expect([400, 422], refused.shown).toContain(refused.status)
    expect(['BAD_REQUEST', 'VALIDATION_FAILED'], refused.shown).toContain(refused.code)
  })

  test('an empty body is rejected', async () => {
    const refused = await send(path, { headers: { 'content-type': JSON_TYPE } })
    expect([400, 422], refused.shown).toContain(refused.status)
    expect(['BAD_REQUEST', 'VALIDATION_FAILED'], refused.shown).toContain(refused.code)
  })

  test('a body of exactly the limit is read, and one byte more is a PAYLOAD_TOO_LARGE', async () => {
    const headers = { 'content-type': JSON_TYPE }
    const { BODY_LIMIT } = server.config
    for (const [size, codes] of [
      [BODY_LIMIT, ['BAD_REQUEST', 'VALIDATION_FAILED']],
      [BODY_LIMIT + 1, ['PAYLOAD_TOO_LARGE']],
    ] as const) {
      const body = '5'.padEnd(size)
      const stream = new Blob([body]).stream()
      for (const init of [{ body }, { body: stream, duplex: 'half' }] as RequestInit[])
        expect(codes, `${size} bytes`).toContain((await send(path, { ...init, headers })).code)
    }
  })

  test('a body over the limit is a PAYLOAD_TOO_LARGE, with or without a Content-Length', async () => {
    const body = WHOLE.replaceAll('"A"', JSON.stringify('A'.repeat(server.config.BODY_LIMIT)))
    const stream = new Blob([body]).stream()
    const headers = { 'content-type': JSON_TYPE }
    for (const init of [{ body }, { body: stream, duplex: 'half' }] as RequestInit[]) {
      const refused = await send(path, { ...init, headers })
      expect(refused.status, refused.shown.slice(-500)).toBe(413)
      expect(refused.code).toBe('PAYLOAD_TOO_LARGE')
    }
  })
})

test('an invalid GraphQL document is a BAD_REQUEST', async () => {
  for (const query of [
    '{ tasks(colour: "red") { nodes { id } } }',
    '{ tasks { nodes { colour } } }',
    'mutation { createTask(input: {title: "A", colour: "red"}) { id } }',
    'mutation { createTask(input: {title: "A", priority: "high"}) { id } }',
    '{ tasks { nodes { id }',
    '',
  ]) {
    const refused = await send('/graphql', { body: JSON.stringify({ query }), headers: { 'content-type': JSON_TYPE } })
    expect(refused, refused.shown).toMatchObject({ code: 'BAD_REQUEST' })
  }
})

const answerTo = async (request: string) => {
  const { status, body, text } = await rest(server, request, { token: caller.token })
  return { status, code: body?.code, paths: body?.errors?.map((issue: Issue) => issue.path.join('.')), text }
}

test.each([
  ['an unknown query parameter', '/tasks?colour=red', ['query.colour']],
  ['an unknown parameter named like an Object property', '/tasks?constructor=x', ['query.constructor']],
  ['a GraphQL-only parameter', '/tasks?first=5', ['query.first']],
  ['an unknown operator', '/tasks?priority.gt=5', ['query.priority.gt']],
  ['an unknown parameter of one task', `/tasks/x?status=PENDING`, ['query.status']],
  ['a limit given twice', '/tasks?limit=1&limit=2', ['query.limit']],
  ['an empty limit', '/tasks?limit=', ['query.limit']],
  ['a limit in hexadecimal', '/tasks?limit=0x10', ['query.limit']],
  ['an order by an unknown field', '/tasks?orderBy=colour:desc', ['query.orderBy']],
  ['an order in GraphQL syntax', '/tasks?orderBy=CREATED_AT', ['query.orderBy']],
  ['an empty status', '/tasks?status=', ['query.status']],
  ['a priority in words', '/tasks?priority=high', ['query.priority']],
  ['a priority out of range', '/tasks?priority=9', ['query.priority']],
  ['three issues', '/tasks?colour=red&limit=x&status=DONE', ['query.colour', 'query.limit', 'query.status']],
])('REST rejects %s by name', async (_what, path, paths) => {
  const answer = await answerTo(`GET ${path}`)
  expect(answer, answer.text).toMatchObject({ status: 422, code: 'VALIDATION_FAILED' })
  expect([...answer.paths].sort(), answer.text).toEqual(paths)
})

test.each(['/tasks?status=%', '/tasks?status=%zz', '/tasks?status=%ff'])(
  'REST rejects %s because of its invalid encoding',
  async (path) => {
    const answer = await answerTo(`GET ${path}`)
    expect(answer, answer.text).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  },
)

test.each(['/tasks/%', '/tasks/%zz', '/tasks/%ff'])(
  'REST rejects the path %s because of its invalid encoding',
  async (path) => {
    const answer = await answerTo(`GET ${path}`)
    expect(answer, answer.text).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  },
)

test('REST rejects query parameters and bodies for operations without any', async () => {
  const { token } = caller
  const created = await rest(server, 'POST /tasks?dryRun=true', { token, body: { title: 'A' } })
  expect(created, created.text).toMatchObject({ status: 422, body: { errors: [{ path: ['query', 'dryRun'] }] } })
  const deleted = await rest(server, 'DELETE /tasks/x', { token, body: { force: true } })
  expect(deleted, deleted.text).toMatchObject({ status: 422, body: { errors: [{ path: ['body', 'force'] }] } })
})

test('REST rejects a body field named __proto__ as unknown', async () => {
  const raw = '{"title":"A","__proto__":{"priority":5}}'
  const answer = await rest(server, 'POST /tasks', { token: caller.token, raw, headers: { 'content-type': JSON_TYPE } })
  expect(answer, answer.text).toMatchObject({ status: 422, body: { errors: [{ path: ['body', '__proto__'] }] } })
})
