import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Issue, rest } from '../support/clients.ts'
import { type Caller, data, overRest } from '../support/operations.ts'
import { signUp, type TestServer, testServer } from '../support/server.ts'

/** Requests that are wrong before any operation sees them, sent to both protocols as bytes. */

const JSON_TYPE = 'application/json'
const QUERY = 'mutation ($input: CreateTaskInput!) { createTask(input: $input) { id } }'
const WHOLE = JSON.stringify({ title: 'A', query: QUERY, variables: { input: { title: 'A' } } })

let server: TestServer
let caller: Caller
let before: unknown

beforeAll(async () => {
  server = await testServer()
  caller = { url: server.url, token: (await signUp(server)).token }
})
afterAll(() => server?.close())

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
    ['JSON cut short', WHOLE.slice(0, -1)],
    ['JSON with something behind it', `${WHOLE}]`],
    ['no JSON at all', 'title=A'],
    ['what is not UTF-8', Buffer.from(WHOLE.replaceAll('"A"', '"\xff"'), 'latin1')],
    ['nothing but a byte order mark', '\ufeff'],
  ])('a body of %s is a BAD_REQUEST', async (_what, body) => {
    const refused = await send(path, { body, headers: { 'content-type': JSON_TYPE } })
    expect(refused, refused.shown).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  })

  test.each([
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonp',
    'nonsense',
  ])('a body that says it is %s is an UNSUPPORTED_MEDIA_TYPE', async (type) => {
    const refused = await send(path, { body: WHOLE, headers: { 'content-type': type } })
    expect(refused, refused.shown).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  test('a body without a content type is an UNSUPPORTED_MEDIA_TYPE', async () => {
    const refused = await send(path, { body: Buffer.from(WHOLE) })
    expect(refused, refused.shown).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  test.each(['[]', '"text"', '5', 'null', 'true'])('%s is no request', async (body) => {
    const refused = await send(path, { body, headers: { 'content-type': JSON_TYPE } })
    expect([400, 422], refused.shown).toContain(refused.status)
    expect(['BAD_REQUEST', 'VALIDATION_FAILED'], refused.shown).toContain(refused.code)
  })

  test('an empty body is no request', async () => {
    const refused = await send(path, { headers: { 'content-type': JSON_TYPE } })
    expect([400, 422], refused.shown).toContain(refused.status)
    expect(['BAD_REQUEST', 'VALIDATION_FAILED'], refused.shown).toContain(refused.code)
  })

  test('a body over the limit is a PAYLOAD_TOO_LARGE, announced or not', async () => {
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

test('an argument that GraphQL does not know is a BAD_REQUEST, as is a field', async () => {
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
  ['an unknown parameter named as what every object has', '/tasks?constructor=x', ['query.constructor']],
  ['a parameter of GraphQL’s', '/tasks?first=5', ['query.first']],
  ['an unknown operator', '/tasks?priority.gt=5', ['query.priority.gt']],
  ['an unknown parameter of one task', `/tasks/x?status=PENDING`, ['query.status']],
  ['a limit given twice', '/tasks?limit=1&limit=2', ['query.limit']],
  ['an empty limit', '/tasks?limit=', ['query.limit']],
  ['a limit in hexadecimal', '/tasks?limit=0x10', ['query.limit']],
  ['an order of no such field', '/tasks?orderBy=colour:desc', ['query.orderBy']],
  ['an order as GraphQL has it', '/tasks?orderBy=CREATED_AT', ['query.orderBy']],
  ['an empty status', '/tasks?status=', ['query.status']],
  ['a priority in words', '/tasks?priority=high', ['query.priority']],
  ['a priority out of range', '/tasks?priority=9', ['query.priority']],
  ['several', '/tasks?colour=red&limit=x&status=DONE', ['query.colour', 'query.limit', 'query.status']],
])('REST refuses %s, naming it', async (_what, path, paths) => {
  const answer = await answerTo(`GET ${path}`)
  expect(answer, answer.text).toMatchObject({ status: 422, code: 'VALIDATION_FAILED' })
  expect([...answer.paths].sort(), answer.text).toEqual(paths)
})

test.each(['/tasks?status=%', '/tasks?status=%zz', '/tasks?status=%ff'])(
  'REST refuses %s, whose encoding is broken',
  async (path) => {
    const answer = await answerTo(`GET ${path}`)
    expect(answer, answer.text).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  },
)

test.each(['/tasks/%', '/tasks/%zz', '/tasks/%ff'])(
  'REST refuses the path %s, whose encoding is broken',
  async (path) => {
    const answer = await answerTo(`GET ${path}`)
    expect(answer, answer.text).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  },
)

test('REST refuses unknown query parameters and bodies where an operation takes none', async () => {
  const { token } = caller
  const created = await rest(server, 'POST /tasks?dryRun=true', { token, body: { title: 'A' } })
  expect(created, created.text).toMatchObject({ status: 422, body: { errors: [{ path: ['query', 'dryRun'] }] } })
  const deleted = await rest(server, 'DELETE /tasks/x', { token, body: { force: true } })
  expect(deleted, deleted.text).toMatchObject({ status: 422, body: { errors: [{ path: ['body', 'force'] }] } })
})

test('REST takes a field of the body named __proto__ for the unknown field it is', async () => {
  const raw = '{"title":"A","__proto__":{"priority":5}}'
  const answer = await rest(server, 'POST /tasks', { token: caller.token, raw, headers: { 'content-type': JSON_TYPE } })
  expect(answer, answer.text).toMatchObject({ status: 422, body: { errors: [{ path: ['body', '__proto__'] }] } })
})
