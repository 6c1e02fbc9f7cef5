import { inspect } from 'node:util'
import { serverAudits } from 'graphql-http'
import { beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { ownServerForTest, sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server, 'Ada')).token
})

const JSON_TYPE = { 'content-type': 'application/json' }

async function send(init: RequestInit & { query?: string } = {}) {
  const headers = { authorization: `Bearer ${token}`, ...init.headers }
  const response = await fetch(`${server.url}/graphql${init.query ?? ''}`, { ...init, headers })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

const post = (body: unknown, headers: Record<string, string> = {}) =>
  send({ method: 'POST', body: JSON.stringify(body), headers: { ...JSON_TYPE, ...headers } })

describe('the audits of graphql-http', () => {
  const audits = serverAudits({ url: () => `${server.url}/graphql` })

  test('are all 61 of them', () => {
    expect(audits).toHaveLength(61)
  })

  test.each(audits.map((audit) => [audit.name, audit] as const))('%s', async (_name, audit) => {
    const result = await audit.fn()
    expect(result.status, `${audit.id}: ${'reason' in result ? result.reason : ''}`).toBe('ok')
  })
})

describe('GET', () => {
  test('runs a query', async () => {
    const query = `?query=${encodeURIComponent('query ($n: Int) { tasks(first: $n) { nodes { id } } }')}&variables=${encodeURIComponent('{"n":1}')}`
    const answer = await send({ query, headers: { accept: 'application/json' } })
    expect(answer, answer.text).toMatchObject({ status: 200, body: { data: { tasks: { nodes: [] } } } })
  })

  test('does not run a mutation, whatever its name', async () => {
    const documents = [
      'mutation { createTask(input: {title: "A"}) { id } }',
      'query Q { me { id } } mutation M { createTask(input: {title: "A"}) { id } }',
    ]
    for (const document of documents) {
      const query = `?query=${encodeURIComponent(document)}&operationName=${document.startsWith('query') ? 'M' : ''}`
      const answer = await send({ query, headers: { accept: 'application/graphql-response+json' } })
      expect(answer.status, answer.text).toBe(405)
      expect(answer.headers.get('allow')).toBe('POST')
      expect(answer.body.errors[0].extensions.code).toBe('METHOD_NOT_ALLOWED')
    }
    expect((await rest(server, 'GET /tasks', { token })).body.nodes).toEqual([])
  })
})

describe('a body that a form on another origin can send', () => {
  test.each([
    ['application/x-www-form-urlencoded', new URLSearchParams({ query: '{ __typename }' }).toString()],
    [
      'multipart/mixed; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query":"{ __typename }"}\r\n--x--\r\n',
    ],
    ['text/plain', '{"query":"{ __typename }"}'],
    ['application/graphql', '{ __typename }'],
  ])('is refused with 415: %s', async (type, body) => {
    const answer = await send({ method: 'POST', body, headers: { 'content-type': type } })
    expect(answer.status, answer.text).toBe(415)
    expect(answer.body.errors[0].extensions.code).toBe('UNSUPPORTED_MEDIA_TYPE')
  })
})

describe('the answer to a mutation', () => {
  const titles = async () =>
    (await rest(server, 'GET /tasks', { token })).body.nodes.map(({ title }: { title: string }) => title)
  const create = (title: string, accept: string) =>
    post({ query: `mutation { createTask(input: {title: "${title}"}) { title } }` }, { accept })

  test.each([
    'text/plain',
    'text/html',
    'application/xml',
    '*',
    'image/*',
    'garbage',
    'application/json;q=0',
    '*/*;q=0',
  ])('is refused before it runs if the client accepts none of our types: Accept: %s', async (accept) => {
    const answer = await create('Refused', accept)
    expect(answer, answer.text).toMatchObject({
      status: 406,
      body: { errors: [{ extensions: { code: 'NOT_ACCEPTABLE', requestId: expect.any(String) } }] },
    })
    expect(await titles()).toEqual([])
  })

  test.each([
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['application/json; charset=latin1', 'application/json'],
    ['application/graphql-response+json;foo=bar', 'application/graphql-response+json'],
    ['application/json;q=0, */*', 'application/graphql-response+json'],
    ['application/json;q=0.1, application/graphql-response+json;q=0.9', 'application/graphql-response+json'],
    ['application/graphql-response+json;q=0.1, application/json;q=0.9', 'application/json'],
    ['text/event-stream, application/json', 'application/json'],
    ['text/event-stream;q=0, application/json', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    ['text/*', 'text/event-stream'],
    ['multipart/mixed', 'multipart/mixed'],
  ])('is of a type that the client accepts: Accept: %s', async (accept, type) => {
    const answer = await create('Taken', accept)
    expect([answer.status, answer.headers.get('content-type')?.split(';')[0]], answer.text).toEqual([200, type])
    expect(answer.text).toContain('{"data":{"createTask":{"title":"Taken"}}}')
    expect(await titles()).toEqual(['Taken'])
    await server.db.task.deleteMany()
  })

  test('is refused before it runs if the Idempotency-Key is malformed or the method is wrong', async () => {
    const query = 'mutation { createTask(input: {title: "Refused"}) { title } }'
    const malformed = await post({ query }, { 'idempotency-key': 'a b' })
    expect(malformed.body.errors[0].extensions.code, malformed.text).toBe('VALIDATION_FAILED')
    const url = `${server.url}/graphql?query=${encodeURIComponent(query)}`
    for (const method of ['HEAD', 'PUT', 'DELETE']) {
      expect((await fetch(url, { method, headers: { authorization: `Bearer ${token}` } })).status, method).toBe(405)
    }
    expect(await titles()).toEqual([])
  })
})

test('a batch of operations is refused, and none of it runs', async () => {
  const one = { query: 'mutation { createTask(input: {title: "A"}) { id } }' }
  const answer = await post([one, one])
  expect(answer.status, answer.text).toBe(400)
  expect(answer.text).toContain('BAD_REQUEST')
  expect((await rest(server, 'GET /tasks', { token })).body.nodes).toEqual([])
})

test('aliases run one field many times', async () => {
  const { body } = await rest(server, 'POST /tasks', { token, body: { title: 'Aliased' } })
  const query = `{ one: task(id: "${body.id}") { title } other: task(id: "${body.id}") { id: title } }`
  expect((await graphql(server, query, {}, { token })).data).toEqual({
    one: { title: 'Aliased' },
    other: { id: 'Aliased' },
  })
  await rest(server, `DELETE /tasks/${body.id}`, { token })
})

test('a missing task is null with an error and leaves the rest of the answer intact', async () => {
  const { body } = await rest(server, 'POST /tasks', { token, body: { title: 'There' } })
  const query = `{ there: task(id: "${body.id}") { title } gone: task(id: "nonsense") { title } me { name } }`
  const answer = await graphql(server, query, {}, { token })
  expect(answer.errors).toMatchObject([{ path: ['gone'], extensions: { code: 'NOT_FOUND' } }])
  expect(answer.data, JSON.stringify(answer)).toEqual({ there: { title: 'There' }, gone: null, me: { name: 'Ada' } })
  await rest(server, `DELETE /tasks/${body.id}`, { token })
})

test('fragments, directives and operation names are supported', async () => {
  const query = `query A { me { ...F } } query B($no: Boolean!) { me { id @skip(if: $no) name } } fragment F on User { name }`
  expect((await post({ query, operationName: 'A' })).body.data).toEqual({ me: { name: 'Ada' } })
  expect((await post({ query, operationName: 'B', variables: { no: true } })).body.data).toEqual({
    me: { name: 'Ada' },
  })
  expect((await post({ query })).body.errors[0].extensions.code).toBe('BAD_REQUEST')
  expect((await post({ query, operationName: 'C' })).body.errors[0].extensions.code).toBe('BAD_REQUEST')
})

test('answers contain the request id, in the header and in errors', async () => {
  const fine = await post({ query: '{ me { id } }' }, { 'x-request-id': 'mine' })
  expect(fine.headers.get('x-request-id')).toBe('mine')
  expect(fine.headers.get('server-timing')).toMatch(/;dur=\d/)
  const refused = await post({ query: '{ task(id: "x") { id } }' }, { 'x-request-id': 'mine' })
  expect(refused.body.errors[0].extensions).toMatchObject({ code: 'NOT_FOUND', requestId: 'mine' })
  const foreign = await post({ query: '{ me { id } }' }, { origin: 'https://evil.example.org' })
  expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
})

test('an error inside the server is masked, and its cause is in the log with the request id', async () => {
  const own = await ownServerForTest({ BACKGROUND_WORK: 'off' })
  const { token: ownToken } = await signUp(own)
  await own.db.$executeRaw`ALTER TABLE "Task" RENAME TO "Gone"`
  const headers = { 'x-request-id': 'find-me' }
  const overGraphql = await graphql(own, '{ tasks { nodes { id } } }', {}, { token: ownToken, headers })
  const overRest = await rest(own, 'GET /tasks', { token: ownToken, headers })
  expect(overGraphql.errors?.[0], JSON.stringify(overGraphql)).toMatchObject({
    message: expect.stringContaining('find-me'),
    extensions: { code: 'INTERNAL', requestId: 'find-me' },
  })
  expect(overRest, overRest.text).toMatchObject({ status: 500, body: { code: 'INTERNAL', requestId: 'find-me' } })
  for (const shown of [JSON.stringify(overGraphql), overRest.text]) {
    expect(shown).not.toMatch(/prisma|relation|select|\.ts|node_modules|42P01/i)
  }
  const lines = own.log.lines.filter((line) => line.level === 'error')
  expect(lines).toHaveLength(2)
  expect(lines[0]?.details).toMatchObject({ requestId: 'find-me', err: expect.any(Error) })
  expect(inspect(lines, { depth: 10 })).toContain('42P01')
})

describe('GraphiQL', () => {
  test('is served to browsers and loads nothing from another host', async () => {
    const answer = await send({ headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
    expect(answer.status, answer.text.slice(0, 200)).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/)
    // What the page itself loads: the bundle inside it may mention documentation.
    const tags = answer.text.match(/<(?:script|link|img|iframe)\b[^>]*>/g) ?? []
    expect(tags.filter((tag) => /(?:src|href)="?'?(?:https?:)?\/\//.test(tag))).toEqual([])
    expect(answer.text).not.toMatch(/(?:import\(|fetch\(|importScripts\()\s*["'`]https?:/)
    expect(answer.text).not.toMatch(/url\(\s*["']?https?:/)
  })

  test.each(['application/json', 'text/html;q=0, application/json', 'application/json, text/html;q=0.5'])(
    'is not served to other clients: Accept: %s',
    async (accept) => {
      const answer = await send({ headers: { accept } })
      expect(answer.text).not.toContain('<html')
      expect(answer.status).toBe(400)
    },
  )
})

describe('a subscription over Server-Sent Events', () => {
  test('sends results as GraphQL over SSE events', async () => {
    const query = 'subscription { taskEvents { type task { title } } }'
    const abort = new AbortController()
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { ...JSON_TYPE, accept: 'text/event-stream', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
      signal: abort.signal,
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    await rest(server, 'POST /tasks', { token, body: { title: 'Streamed' } })
    const reader = response
      .body!.pipeThrough(new TextDecoderStream() as never)
      .getReader() as ReadableStreamDefaultReader<string>
    let text = ''
    while (!text.includes('Streamed')) text += (await reader.read()).value ?? ''
    expect(text).toMatch(
      /event: next\ndata: \{"data":\{"taskEvents":\{"type":"task.created","task":\{"title":"Streamed"\}\}\}\}\n\n/,
    )
    abort.abort()
  })

  test('that is refused sends the error and ends', async () => {
    for (const [headers, code] of [
      [{ authorization: 'Bearer garbage' }, 'UNAUTHENTICATED'],
      [{}, 'VALIDATION_FAILED'],
    ] as const) {
      const query = 'subscription { taskEvents(after: "made-up") { type } }'
      const answer = await post({ query }, { accept: 'text/event-stream', ...headers })
      expect(answer.text).toContain(`"code":"${code}"`)
    }
  })

  test('is refused unless the client accepts events', async () => {
    const answer = await post({ query: 'subscription { taskEvents { type } }' }, { accept: 'application/json' })
    expect([400, 406, 415], answer.text).toContain(answer.status)
  })
})
