import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventStream, rest } from '../support/clients.ts'
import { holdTo, takeViolations } from '../support/observed-answers.ts'

/** Tests the response check of all other tests (test/support/setup.ts) with a fake server. */

const THING = { id: '01980f3e-5b6c-7d8e-9fa0-b1c2d3e4f5a6', size: 1 }
const PROBLEM = { title: 'Not found', status: 404 }

const json = (schema: object) => ({ 'application/json': { schema } })
const thing = { $ref: '#/components/schemas/Thing' }
const problem = {
  description: 'An error.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}
const DOCUMENT = {
  openapi: '3.1.1',
  servers: [{ url: '/api/v1' }],
  paths: {
    '/things': {
      get: { responses: { 200: { content: json({ type: 'array', items: thing }) } } },
      delete: { responses: { 204: { description: 'Done.' } } },
    },
    '/things/stream': { get: { responses: { 200: { content: { 'text/event-stream': { schema: thing } } } } } },
    '/things/{id}': {
      get: {
        responses: {
          200: { headers: { ETag: { $ref: '#/components/headers/ETag' } }, content: json(thing) },
          304: { headers: { ETag: { $ref: '#/components/headers/ETag' } } },
          404: problem,
        },
      },
    },
  },
  components: {
    headers: {
      ETag: { required: true, schema: { type: 'string', pattern: '^"' } },
      Location: { schema: { type: 'string' } },
    },
    schemas: {
      Thing: {
        type: 'object',
        properties: { id: { type: 'string', format: 'uuid' }, size: { type: 'integer', minimum: 0 } },
        required: ['id', 'size'],
      },
      Problem: { type: 'object', properties: { title: { type: 'string' }, status: { type: 'integer' } } },
    },
  },
}

let answer: RequestListener
let server: Server
let url: string

beforeAll(async () => {
  server = createServer((request, response) => answer(request, response))
  holdTo(server, DOCUMENT)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server?.close())

interface Reply {
  status?: number
  headers?: Record<string, string>
  body?: unknown
}

const TAG = { etag: '"x"' }

/** Returns the violations reported when the call gets the given reply. */
async function violationsOf(call: string, { status = 200, headers = {}, body }: Reply): Promise<string> {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  answer = (_request, response) => {
    response.statusCode = status
    const sent = { ...(body !== undefined && { 'content-type': type }), ...headers }
    for (const [name, value] of Object.entries(sent)) response.setHeader(name, value)
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }
  await rest({ url }, call)
  return takeViolations().join('\n')
}

describe('the response check', () => {
  test.each<[string, Reply]>([
    ['GET /things', { body: [THING] }],
    ['GET /things/', { body: [THING] }],
    ['HEAD /things', { headers: { 'content-type': 'application/json' } }],
    ['DELETE /things', { status: 204 }],
    ['GET /things/1', { headers: TAG, body: THING }],
    ['GET /things/1?fields=id', { headers: TAG, body: { id: THING.id } }],
    ['GET /things/1', { status: 304, headers: TAG }],
    ['GET /things/1', { status: 404, body: PROBLEM }],
    ['GET /elsewhere', { status: 404, body: PROBLEM }],
    ['GET /%74hings', { body: [THING] }],
    ['POST /things/%', { status: 404, body: PROBLEM }],
    [`POST /things/${'x'.repeat(201)}`, { status: 404, body: PROBLEM }],
    ['POST /things', { status: 405, headers: { allow: 'GET, DELETE' }, body: { ...PROBLEM, status: 405 } }],
    ['OPTIONS /things', { status: 204, headers: { allow: 'GET, DELETE' } }],
  ])('accepts a described response: %s %j', async (call, reply) => {
    expect(await violationsOf(call, reply)).toBe('')
  })

  test.each<[string, Reply, string]>([
    ['GET /things', { body: [{ ...THING, size: -1 }] }, '$/0/size: must be >= 0'],
    ['GET /things', { body: [{ ...THING, id: 'x' }] }, '$/0/id: must match format "uuid"'],
    ['GET /things', { body: [{ id: THING.id }] }, "$/0: must have required property 'size'"],
    ['GET /things?fields=id', { body: [{ ...THING, colour: 'red' }] }, '$/0: colour is not described'],
    ['GET /things', { status: 201, body: [] }, '201 is not listed'],
    ['GET /things', { headers: { location: '/x' }, body: [] }, 'the header Location is sent, and not described'],
    ['GET /things', { headers: { 'content-type': 'text/html' }, body: [] }, 'the type text/html is none of'],
    ['GET /things', {}, 'the type of nothing is none of'],
    ['HEAD /things', {}, 'the type of nothing is none of'],
    ['GET /things/1', { body: THING }, 'the header ETag is missing'],
    ['GET /things/1', { headers: { etag: 'x' }, body: THING }, 'the header ETag: x: $: must match pattern'],
    ['GET /things/1', { status: 304, headers: { ...TAG, 'content-type': 'application/json' } }, '304 has a body'],
    ['GET /things/1', { status: 404, body: { ...PROBLEM, status: 410 } }, '$/status: is not 404'],
    ['GET /things/1', { status: 404, headers: { 'content-type': 'application/json' }, body: PROBLEM }, 'the type'],
    ['GET /elsewhere', { body: THING }, 'expected 404'],
    ['POST /things', { status: 404, body: PROBLEM }, 'expected 405'],
    ['POST /things', { status: 405, headers: { allow: 'GET' }, body: PROBLEM }, 'leaves out DELETE'],
    ['OPTIONS /things', { status: 405, body: PROBLEM }, 'expected 204'],
  ])('reports an undescribed response: %s %j', async (call, reply, rule) => {
    const found = await violationsOf(call, reply)
    expect(found).toContain(`${call.replace(' ', ' /api/v1')} answered ${reply.status ?? 200}`)
    expect(found).toContain(rule)
  })

  test('reads a response sent in chunks and reports invalid JSON', async () => {
    answer = (_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.write('[{"id":')
      response.end('1,"size":1}]')
    }
    await rest({ url }, 'GET /things')
    expect(takeViolations().join()).toContain('$/0/id: must be string')
    answer = (_request, response) => void response.setHeader('content-type', 'application/json').end('[')
    await rest({ url }, 'GET /things').catch(() => undefined)
    expect(takeViolations().join()).toContain('SyntaxError')
  })

  test('reads a stream event by event', async () => {
    answer = (_request, response) => {
      response.setHeader('content-type', 'text/event-stream')
      response.write(`retry: 1\n\nid: 1\ndata: ${JSON.stringify(THING)}\n\nid: 2\nda`)
      response.write('ta: {"id": "x"}\n\n:\n\n')
      response.write('event: error\ndata: {"code": "X"}\n\n')
    }
    const { inbox } = await eventStream({ url }, '/things/stream')
    for (let event = 0; event < 3; event++) await inbox.next()
    const violations = takeViolations()
    expect(violations).toHaveLength(1)
    expect(violations[0]).toContain("$: must have required property 'size'")
    expect(violations[0]).toContain('$/id: must match format "uuid"')
  })

  test('ignores requests outside the base path', async () => {
    answer = (_request, response) => void response.end('anything')
    await fetch(`${url}/api/v10/things`)
    await fetch(url)
    expect(takeViolations()).toEqual([])
  })
})
