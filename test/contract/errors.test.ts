import { beforeAll, describe, expect, test } from 'vitest'
import { type RestAnswer, type RestOptions, rest } from '../support/clients.ts'
import { refered } from '../support/json-schema.ts'
import { type DescribedOperation, type Document, operationsOf } from '../support/openapi-document.ts'
import { freshServerForTest, sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string
let keys: Record<string, string>
let document: Document

beforeAll(async () => {
  server = await sharedServer()
  await signUp(server, 'The ADMIN')
  token = (await signUp(server)).token
  document = (await rest(server, 'GET /openapi.json')).body
  keys = {}
  for (const scope of ['tasks:read', 'projects:write']) {
    const { body } = await rest(server, 'POST /api-keys', { token, body: { name: 'A key', scopes: [scope] } })
    keys[scope] = body.secret
  }
})

const MISSING = '01980000-0000-7000-8000-000000000000'

const derived = () => operationsOf(document).filter(({ operation }) => operation['x-graphql-operation'] !== undefined)
/** A file can have any type. test/modules/attachments.test.ts tests operations that take one. */
const takesFile = ({ operation }: DescribedOperation) => '*/*' in (operation.requestBody?.content ?? {})
const writes = () => derived().filter((one) => one.method !== 'GET' && !takesFile(one))
const isPublic = ({ operation }: DescribedOperation) => operation.security?.some((one) => Object.keys(one).length === 0)
/** Uploads have arguments in the query string, which these requests do not send. */
const isUpload = ({ operation }: DescribedOperation) => 'text/csv' in (operation.requestBody?.content ?? {})
const isStream = ({ operation }: DescribedOperation) => 'text/event-stream' in (operation.responses[200]?.content ?? {})

/** Calls an operation with unknown ids in the path and its own example as the body. */
function ask({ method, path, operation }: DescribedOperation, options: RestOptions = {}, query = '') {
  const example = operation.requestBody?.content['application/json']?.example
  const body = options.raw === undefined && example !== undefined ? { body: example } : {}
  return rest(server, `${method} ${path.replace(/\{\w+\}/g, MISSING)}${query}`, { ...body, ...options })
}

/** Checks that the status is listed and the code named. test/support/setup.ts checks the form. */
function expectListed({ name, operation }: DescribedOperation, answer: RestAnswer, status: number, code: string): void {
  const what = `${name} answered ${answer.status} ${answer.text}`
  expect({ status: answer.status, code: answer.body?.code }, what).toEqual({ status, code })
  const reference = operation.responses[status]?.$ref
  expect(reference, `${name} does not list ${status}`).toBeDefined()
  const described = refered(document, reference!)
  expect(described.description, what).toContain(`\`${code}\``)
}

describe('the document lists', () => {
  test('400 for an unreadable query string or body', async () => {
    for (const one of derived()) expectListed(one, await ask(one, { token }, '?%ff'), 400, 'BAD_REQUEST')
    const json = { 'content-type': 'application/json' }
    for (const one of writes().filter((each) => !isUpload(each)))
      expectListed(one, await ask(one, { token, raw: '{', headers: json }), 400, 'BAD_REQUEST')
  })

  test('401 exactly where a credential is required', async () => {
    for (const one of derived().filter((each) => !isPublic(each)))
      expectListed(one, await ask(one), 401, 'UNAUTHENTICATED')
    const wrong: Record<string, object> = {
      'POST /auth/sign-in': { email: 'nobody@example.org', password: 'wrong password' },
      'POST /auth/refresh': { refreshToken: 'wrong' },
    }
    for (const one of derived().filter(isPublic)) {
      const body = wrong[one.name]
      expect('401' in one.operation.responses, one.name).toBe(body !== undefined)
      if (body) expectListed(one, await ask(one, { body }), 401, 'UNAUTHENTICATED')
    }
  })

  test('403 for an API key without the scope, exactly where a scope is required', async () => {
    for (const one of derived().filter((each) => !isUpload(each))) {
      const scopes = one.operation.security?.find((scheme) => scheme.apiKey)?.apiKey
      const key = scopes?.[0]?.startsWith('projects:w') ? keys['tasks:read'] : keys['projects:write']
      const narrow = { headers: { 'x-api-key': key! } }
      if (isPublic(one) || scopes?.length === 0)
        expect((await ask(one, narrow)).body?.code, one.name).not.toBe('FORBIDDEN')
      else expectListed(one, await ask(one, narrow), 403, 'FORBIDDEN')
    }
  })

  test('404 for unknown ids in the path', async () => {
    const admin = await rest(server, 'GET /me', { token })
    expect(admin.status).toBe(200)
    for (const one of derived().filter(({ path }) => path.includes('{') && !path.startsWith('/users')))
      expectListed(one, await ask(one, { token }), 404, 'NOT_FOUND')
  })

  test('404 for unknown ids and 410 for expired cursors in the input', async () => {
    const find = (name: string) => derived().find((one) => one.name === name)!
    const cursor = Buffer.from('event:999999999').toString('base64url')
    for (const name of ['GET /tasks', 'GET /events', 'GET /events/stream', 'GET /tasks/events'])
      expectListed(find(name), await ask(find(name), { token }, `?projectId=${MISSING}`), 404, 'NOT_FOUND')
    for (const name of ['GET /events', 'GET /events/stream', 'GET /notifications/stream', 'GET /tasks/events'])
      expectListed(find(name), await ask(find(name), { token }, `?after=${cursor}`), 410, 'CURSOR_EXPIRED')
    const elsewhere = { token, body: { title: 'A', projectId: MISSING } }
    expectListed(find('POST /tasks'), await ask(find('POST /tasks'), elsewhere), 404, 'NOT_FOUND')
    const expiring = derived().filter(({ operation }) => '410' in operation.responses)
    expect(expiring.map(({ name }) => name).sort()).toEqual([
      'GET /events',
      'GET /events/stream',
      'GET /notifications/stream',
      'GET /tasks/events',
    ])
  })

  test('406, 413, 415 and 422', async () => {
    for (const one of derived()) {
      expectListed(one, await ask(one, { token, headers: { accept: 'text/html' } }), 406, 'NOT_ACCEPTABLE')
      expectListed(one, await ask(one, { token }, '?colour=red'), 422, 'VALIDATION_FAILED')
    }
    const large = `"${'x'.repeat(1_100_000)}"`
    for (const one of writes()) {
      const text = { token, raw: 'x', headers: { 'content-type': 'text/plain' } }
      expectListed(one, await ask(one, text), 415, 'UNSUPPORTED_MEDIA_TYPE')
      const signedOut = await ask(one, { raw: large, headers: { 'content-type': 'application/json' } })
      if (signedOut.status !== 401) expectListed(one, signedOut, 413, 'PAYLOAD_TOO_LARGE')
    }
    for (const { name, method, operation } of derived())
      for (const status of ['413', '415']) expect(status in operation.responses, name).toBe(method !== 'GET')
  })

  test('412 exactly where If-Match is a parameter, and 422 for If-Match elsewhere', async () => {
    for (const one of writes()) {
      const takes = one.operation.parameters?.some(({ name }) => name === 'If-Match')
      expect('412' in one.operation.responses, one.name).toBe(takes)
      const { status, body, text } = await ask(one, { token, headers: { 'if-match': '"v999.x"' } })
      const reported = status === 422 && body.errors.some(({ path }: { path: string[] }) => path[1] === 'If-Match')
      expect(reported, `${one.name} answered ${status} ${text}`).toBe(!takes)
    }
    const me = writes().find(({ name }) => name === 'PATCH /me')!
    expectListed(
      me,
      await ask(me, { token, body: { name: 'A' }, headers: { 'if-match': '"v999.x"' } }),
      412,
      'PRECONDITION_FAILED',
    )
  })

  test('422 for an Idempotency-Key exactly where it is not a parameter', async () => {
    for (const one of writes()) {
      const takes = one.operation.parameters?.some(({ name }) => name === 'Idempotency-Key')
      // Use a new user each time: one of these operations signs out.
      const { token } = await signUp(server)
      const { status, body, text } = await ask(one, {
        token,
        headers: { 'idempotency-key': `of ${one.name}`.replaceAll(' ', '-') },
      })
      const reported =
        status === 422 && body.errors.some(({ path }: { path: string[] }) => path[1] === 'Idempotency-Key')
      expect(reported, `${one.name} answered ${status} ${text}`).toBe(!takes)
    }
  })

  test('429 with rate-limit headers for every operation', async () => {
    const limited = await freshServerForTest()
    const one = derived().find(({ name }) => name === 'POST /auth/sign-in')!
    const body = { email: 'nobody@example.org', password: 'wrong password' }
    let answer = await rest(limited, 'POST /auth/sign-in', { body })
    for (let attempt = 0; attempt < 20 && answer.status === 401; attempt++)
      answer = await rest(limited, 'POST /auth/sign-in', { body })
    expectListed(one, answer, 429, 'RATE_LIMITED')
    for (const name of ['retry-after', 'ratelimit', 'ratelimit-policy'])
      expect(answer.headers.has(name), name).toBe(true)
    const unlisted = operationsOf(document).filter(({ operation }) => !('429' in operation.responses))
    expect(unlisted.map(({ name }) => name)).toEqual([])
  })

  test('409 for a duplicate key', async () => {
    const one = derived().find(({ name }) => name === 'POST /projects')!
    const body = { name: 'A', key: 'SAME' }
    await ask(one, { token, body })
    expectListed(one, await ask(one, { token, body }), 409, 'CONFLICT')
  })
})

test('a success has a Vary header, and a matching If-None-Match gets 304', async () => {
  await rest(server, 'POST /tasks', { token, body: { title: 'Another' } })
  for (const one of derived().filter(
    (read) => !read.path.includes('{') && !isStream(read) && !/^\/(users|admin)/.test(read.path),
  )) {
    if (one.method !== 'GET' && !['/tasks', '/projects', '/auth/stream-ticket'].includes(one.path)) continue
    const body = one.path === '/projects' && one.method === 'POST' ? { body: { name: 'Another' } } : {}
    const query = one.operation.parameters?.some(({ name }) => name === 'limit') ? '?limit=1' : ''
    const answer = await ask(one, { token, ...body }, query)
    expect(answer.status, `${one.name} answered ${answer.text}`).toBeLessThan(300)
    expect(answer.headers.has('vary'), one.name).toBe(true)
    const tag = answer.headers.get('etag')!
    if (!one.operation.parameters?.some(({ name }) => name === 'If-None-Match')) continue
    const again = await ask(one, { token, headers: { 'if-none-match': tag } }, query)
    expect(again.status, one.name).toBe(304)
  }
})
