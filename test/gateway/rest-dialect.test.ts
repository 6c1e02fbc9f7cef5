import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RestAnswer, type RestOptions, rest } from '../support/clients.ts'
import { type OwnServer, ownServer, signUp } from '../support/server.ts'

const ALLOWED = 'https://board.example.org'

let server: OwnServer
let token: string

beforeAll(async () => {
  server = await ownServer({ CORS_ORIGINS: ALLOWED })
  token = (await signUp(server)).token
})
afterAll(() => server?.close())

const call = (request: string, options: RestOptions = {}) => rest(server, request, { token, ...options })
const newTask = async (body: object = {}) => call('POST /tasks', { body: { title: 'A', ...body } })
const headersOf = ({ headers }: RestAnswer) => Object.fromEntries(headers)

describe('an answer', () => {
  test('to a creation is 201, with the Location and the whole new task', async () => {
    const created = await newTask({ priority: 2 })
    expect(created.status, created.text).toBe(201)
    const location = created.headers.get('location')!
    expect(location).toBe(`/api/v1/tasks/${created.body.id}`)
    const read = await call(`GET ${location.replace('/api/v1', '')}`)
    expect(read.body).toEqual(created.body)
    expect(read.headers.get('etag')).toBe(created.headers.get('etag'))
  })

  test('to DELETE is 204 without a body, and the task is gone', async () => {
    const { body } = await newTask()
    const deleted = await call(`DELETE /tasks/${body.id}`)
    expect({ status: deleted.status, text: deleted.text }).toEqual({ status: 204, text: '' })
    expect(deleted.headers.get('content-type')).toBeNull()
    expect((await call(`DELETE /tasks/${body.id}`)).status).toBe(404)
  })

  test('to HEAD has the headers of GET and no body', async () => {
    const { body } = await newTask()
    const [head, get] = [await call(`HEAD /tasks/${body.id}`), await call(`GET /tasks/${body.id}`)]
    expect({ status: head.status, text: head.text }).toEqual({ status: 200, text: '' })
    for (const name of ['etag', 'content-type', 'content-length', 'cache-control', 'vary']) {
      expect(head.headers.get(name), name).toBe(get.headers.get(name))
    }
    expect((await call('HEAD /tasks/nonsense')).status).toBe(404)
  })

  test('always has a request id and Server-Timing', async () => {
    const { id } = (await newTask()).body
    for (const request of [
      'GET /me',
      'GET /nothing',
      'PUT /me',
      `DELETE /tasks/${id}`,
      'POST /tasks',
      'OPTIONS /tasks',
    ]) {
      const { headers } = await call(request)
      expect(headers.get('x-request-id'), request).toMatch(/^[\w.-]{8,}$/)
      expect(headers.get('server-timing'), request).toMatch(/;dur=\d/)
    }
  })

  test('echoes the request id of the client, unless it could forge a log line', async () => {
    const echoed = async (given: string) =>
      (await call('GET /me', { headers: { 'x-request-id': given } })).headers.get('x-request-id')
    expect(await echoed('abc-123_X.9')).toBe('abc-123_X.9')
    for (const hostile of ['a b', '<script>', '"}{', 'x'.repeat(101), 'ä', '']) {
      expect(await echoed(hostile), hostile).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  test('with an error is an RFC 9457 problem', async () => {
    const refused = await call('POST /tasks', { body: { title: '' }, headers: { 'x-request-id': 'mine' } })
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(refused.headers.get('cache-control')).toBe('no-store')
    expect(refused.body).toEqual({
      type: expect.any(String),
      title: 'Validation failed',
      status: 422,
      detail: expect.stringContaining('title'),
      code: 'VALIDATION_FAILED',
      requestId: 'mine',
      errors: [{ path: ['body', 'title'], code: 'too_small', message: expect.any(String) }],
    })
  })

  test('may not be stored by shared caches', async () => {
    const { headers } = await call('GET /me')
    expect(headers.get('cache-control')).toMatch(/private/)
    expect(headers.get('vary')?.toLowerCase()).toContain('authorization')
  })
})

describe('a method or path', () => {
  test('that is unknown is 404', async () => {
    for (const path of [
      '/nothing',
      '/tasks/1/2',
      '/Tasks',
      '/webhook',
      '/webhook/1',
      '/tasks//',
      '/projects//labels',
    ]) {
      const answer = await call(`GET ${path}`)
      expect(answer, `${path} ${answer.text}`).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', status: 404 } })
      expect((await rest(server, `GET ${path}`)).status, `${path}, signed out`).toBe(404)
    }
  })

  test('at the base path refers to the OpenAPI document', async () => {
    for (const path of ['', '/']) {
      expect((await call(`GET ${path}`)).body).toEqual({ openapi: '/api/v1/openapi.json' })
    }
  })

  test('of SOFA’s webhooks is not served', async () => {
    const body = { subscription: 'taskEvents', variables: {}, url: 'http://127.0.0.1:9/' }
    for (const request of [
      'POST /webhook',
      'POST /webhook/',
      'POST /webhook/1',
      'PUT /webhook/1',
      'DELETE /webhook/1',
    ]) {
      expect((await call(request, { body })).status, request).toBe(404)
    }
  })

  test.each([
    ['DELETE /tasks', 'GET, POST, HEAD, OPTIONS'],
    ['POST /tasks/x', 'GET, PUT, PATCH, DELETE, HEAD, OPTIONS'],
    ['PUT /me', 'GET, HEAD, OPTIONS, PATCH, DELETE'],
    ['GET /auth/sign-in', 'POST, OPTIONS'],
    ['HEAD /auth/sign-in', 'POST, OPTIONS'],
    ['POST /events/stream', 'GET, HEAD, OPTIONS'],
    ['PROPFIND /tasks', 'GET, POST, HEAD, OPTIONS'],
  ])('%s is 405 with Allow: %s', async (request, allow) => {
    const answer = await call(request)
    expect(answer.status, answer.text).toBe(405)
    expect(answer.headers.get('allow')!.split(', ').sort()).toEqual(allow.split(', ').sort())
    if (!request.startsWith('HEAD')) expect(answer.body.code).toBe('METHOD_NOT_ALLOWED')
  })

  test('is listed by OPTIONS, with 204 and Allow', async () => {
    const answer = await call('OPTIONS /tasks/x')
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: '' })
    expect(answer.headers.get('allow')!.split(', ').sort()).toEqual([
      'DELETE',
      'GET',
      'HEAD',
      'OPTIONS',
      'PATCH',
      'PUT',
    ])
    expect((await call('OPTIONS /nothing')).status).toBe(404)
  })
})

describe('a signed-out caller', () => {
  test('gets 401 at every path that is not public, with a valid id or without', async () => {
    const { paths } = (await call('GET /openapi.json')).body
    const answered: string[] = []
    for (const [path, methods] of Object.entries<Record<string, Operation>>(paths)) {
      for (const [method, { security, requestBody }] of Object.entries(methods)) {
        if (security.some((one) => Object.keys(one).length === 0)) continue
        for (const id of ['nonsense', randomUUID()]) {
          const body = Object.values(requestBody?.content ?? {})[0]?.example
          const request = `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, id)}`
          const { status } = await call(request, { token: undefined, ...(body !== undefined && { body }) })
          answered.push(`${request} ${status}`)
        }
      }
    }
    expect(answered.length).toBeGreaterThan(60)
    expect(answered.filter((line) => !line.endsWith(' 401'))).toEqual([])
  })
})

interface Operation {
  security: object[]
  requestBody?: { content: Record<string, { example: unknown }> }
}

describe('a media type', () => {
  test.each([
    'application/json',
    '*/*',
    'application/*',
    'text/html, */*;q=0.1',
    'application/problem+json',
    'application/json;charset=utf-8',
  ])('that the server can send is accepted: Accept: %s', async (accept) => {
    const answer = await call('GET /me', { headers: { accept } })
    expect(answer.status, answer.text).toBe(200)
  })

  test.each(['text/html', 'application/xml', 'application/json;q=0', 'nonsense'])(
    'that the server cannot send is 406: Accept: %s',
    async (accept) => {
      const answer = await call('GET /me', { headers: { accept } })
      expect(answer, answer.text).toMatchObject({ status: 406, body: { code: 'NOT_ACCEPTABLE' } })
    },
  )

  test('with the suffix +json is accepted for a body', async () => {
    for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/merge-patch+json']) {
      const answer = await call('POST /tasks', { raw: '{"title":"A"}', headers: { 'content-type': type } })
      expect(answer.status, `${type} ${answer.text}`).toBe(201)
    }
  })
})

describe('a page on another origin', () => {
  const from = (origin: string, extra: Record<string, string> = {}) => ({ headers: { origin, ...extra } })
  const preflight = {
    'access-control-request-method': 'PATCH',
    'access-control-request-headers': 'authorization, if-match',
  }

  test('that is allowed can call the API and read the headers it needs', async () => {
    const answer = headersOf(await call('GET /me', from(ALLOWED)))
    expect(answer['access-control-allow-origin']).toBe(ALLOWED)
    expect(answer['access-control-expose-headers']).toMatch(/ETag.*Link.*Location.*X-Request-Id/i)
    expect(answer.vary).toMatch(/origin/i)
    expect(answer['access-control-allow-credentials']).toBeUndefined()
    const asked = await call('OPTIONS /tasks/x', from(ALLOWED, preflight))
    expect(asked.status).toBe(204)
    expect(headersOf(asked)).toMatchObject({
      'access-control-allow-origin': ALLOWED,
      'access-control-allow-methods': expect.stringContaining('PATCH'),
      'access-control-allow-headers': expect.stringMatching(/authorization.*if-match/i),
    })
  })

  test('that is not allowed cannot, not even for an error', async () => {
    for (const origin of ['https://evil.example.org', `${ALLOWED}.evil.example.org`, 'null', ALLOWED.toUpperCase()]) {
      for (const request of ['GET /me', 'GET /nothing', 'OPTIONS /tasks/x']) {
        const answer = await call(request, from(origin, request.startsWith('OPTIONS') ? preflight : {}))
        expect(answer.headers.get('access-control-allow-origin'), `${origin} ${request}`).toBeNull()
        expect(answer.headers.get('vary'), `${origin} ${request}`).toMatch(/origin/i)
      }
    }
  })

  test('that is allowed can read errors, too', async () => {
    for (const request of ['GET /nothing', 'PUT /me', 'GET /tasks?colour=red']) {
      const answer = await call(request, from(ALLOWED))
      expect(answer.headers.get('access-control-allow-origin'), request).toBe(ALLOWED)
    }
  })
})
