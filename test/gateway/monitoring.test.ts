import { Writable } from 'node:stream'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logRequests } from '../../src/app/request-log.ts'
import { logOptions } from '../../src/log.ts'
import { eventStream, graphql, rest } from '../support/clients.ts'
import { onPostgres } from '../support/database.ts'
import { type OwnServer, ownServer, ownServerForTest, signUp, type TestUser } from '../support/server.ts'
import { openSocket } from '../support/sockets.ts'
import { recordSpans } from '../support/tracer.ts'
import { until } from '../support/wait.ts'

interface Line {
  msg: string
  requestId: string
  operation?: string
  [name: string]: unknown
}

let server: OwnServer
let ada: TestUser
const lines: Line[] = []

beforeAll(async () => {
  const output = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  server = await ownServer({ RATE_LIMIT: 'off' }, { observe: logRequests(pino(logOptions('info'), output)) })
  ada = await signUp(server)
})
afterAll(() => server?.close())

/** Waits for the line about a request. */
async function lineOf(requestId: string): Promise<Line> {
  const find = () => lines.find((line) => line.requestId === requestId)
  await until(`request ${requestId} is logged`, () => find() !== undefined)
  return find() as Line
}

async function metrics(headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.url}/metrics`, { headers })
  return { status: answer.status, text: await answer.text() }
}

/** Returns the value of a metric with these labels; 0 if there is none. */
async function metric(name: string, labels = ''): Promise<number> {
  const { text } = await metrics()
  const line = text.split('\n').find((one) => one.startsWith(labels ? `${name}{${labels}}` : `${name} `))
  return Number(line?.split(' ').at(-1) ?? 0)
}

test('a REST request is one line with its operation, caller, cost and statements', async () => {
  const headers = { 'x-request-id': 'rest-1', traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` }
  await rest(server, 'GET /tasks?limit=5&search=secret', { token: ada.token, headers })
  const line = await lineOf('rest-1')
  expect(line).toMatchObject({
    msg: 'request',
    protocol: 'rest',
    method: 'GET',
    path: '/api/v1/tasks',
    operation: 'tasks',
    status: 200,
    userId: ada.id,
    traceId: 'ab'.repeat(16),
    statements: expect.any(Number),
  })
  expect([line.ms, line.cost, line.statements].every((value) => Number(value) > 0)).toBe(true)
  expect(JSON.stringify(line)).not.toContain('secret')
  expect(lines.filter(({ requestId }) => requestId === 'rest-1')).toHaveLength(1)
})

test('an API key is named besides its user', async () => {
  const body = { name: 'Script', scopes: ['tasks:read'] }
  const key = (await rest(server, 'POST /api-keys', { token: ada.token, body })).body
  await rest(server, 'GET /tasks', { headers: { 'x-api-key': key.secret, 'x-request-id': 'key-1' } })
  expect(await lineOf('key-1')).toMatchObject({ userId: ada.id, apiKeyId: key.id, status: 200 })
})

test('GraphQL names the root field and what the client calls its operation', async () => {
  const headers = (id: string) => ({ headers: { 'x-request-id': id }, token: ada.token })
  await graphql(server, 'query Mine { tasks(first: 1) { nodes { id } } }', {}, headers('graphql-1'))
  await graphql(server, '{ me { id } tasks(first: 1) { nodes { id } } }', {}, headers('graphql-2'))
  await graphql(server, '{ nonsense }', {}, headers('graphql-3'))
  expect(await lineOf('graphql-1')).toMatchObject({ operation: 'tasks', operationName: 'Mine', protocol: 'graphql' })
  expect(await lineOf('graphql-2')).toMatchObject({ operation: 'several', status: 200 })
  expect(await lineOf('graphql-3')).toMatchObject({ code: 'BAD_REQUEST', userId: ada.id })
})

test('failures have a code, also without a caller and without an operation', async () => {
  const ask = (call: string, id: string, token?: string) =>
    rest(server, call, { headers: { 'x-request-id': id }, ...(token && { token }) })
  await ask('GET /tasks', 'failed-1')
  await ask('GET /tasks?limit=0', 'failed-2', ada.token)
  await ask('GET /nothing', 'failed-3', ada.token)
  expect(await lineOf('failed-1')).toMatchObject({ operation: 'tasks', status: 401, code: 'UNAUTHENTICATED' })
  expect(await lineOf('failed-2')).toMatchObject({ status: 422, code: 'VALIDATION_FAILED', userId: ada.id })
  expect(await lineOf('failed-3')).toMatchObject({ status: 404, code: 'NOT_FOUND', protocol: 'http' })
})

test('a stream is one line when it ends, without its ticket', async () => {
  const { ticket } = (await rest(server, 'POST /auth/stream-ticket', { token: ada.token })).body
  const headers = { 'x-request-id': 'stream-1' }
  const { cut } = await eventStream(server, `/events/stream?ticket=${ticket}`, { headers })
  expect(lines.some(({ requestId }) => requestId === 'stream-1')).toBe(false)
  cut()
  const line = await lineOf('stream-1')
  expect(line).toMatchObject({ protocol: 'sse', operation: 'events', userId: ada.id, path: '/api/v1/events/stream' })
  expect(JSON.stringify(lines)).not.toContain(ticket)
})

test('each operation on a websocket is one line', async () => {
  const before = lines.length
  const socket = await openSocket(server, { authorization: `Bearer ${ada.token}` })
  await socket.ask('query Who { me { id } }')
  await socket.ask('{ me { nonsense } }')
  const stream = socket.follow('subscription { events { type } }')
  const own = () => lines.slice(before).filter(({ protocol }) => protocol === 'websocket')
  await until('both are logged', () => own().length === 2)
  expect(own()[0]).toMatchObject({ operation: 'me', operationName: 'Who', userId: ada.id })
  expect(own()[1]).toMatchObject({ code: 'BAD_REQUEST' })
  const timed = 'protocol="websocket",operation="events"'
  expect(stream.ended).toBeUndefined()
  socket.close()
  await until('the stream is logged', () => own().length === 3)
  expect(own()[2]).toMatchObject({ operation: 'events', userId: ada.id })
  expect(await metric('taskwire_request_duration_seconds_count', timed)).toBe(0)
})

test('metrics and log say how much fails, what is slow, how far the log lags and who did it', async () => {
  const refused = 'protocol="rest",operation="createTask",code="VALIDATION_FAILED"'
  const before = await metric('taskwire_requests_total', refused)
  const headers = { 'x-request-id': 'who-1' }
  await rest(server, 'POST /tasks', { token: ada.token, body: { title: '' }, headers })
  await rest(server, 'POST /tasks', { token: ada.token, body: { title: 'Something' } })
  await until('it is counted', async () => (await metric('taskwire_requests_total', refused)) === before + 1)
  expect(await lineOf('who-1')).toMatchObject({ userId: ada.id, operation: 'createTask' })
  const timed = 'protocol="rest",operation="createTask"'
  expect(await metric('taskwire_request_duration_seconds_count', timed)).toBeGreaterThanOrEqual(2)
  expect(await metric('taskwire_request_duration_seconds_sum', timed)).toBeGreaterThan(0)
  expect(await metric('taskwire_statements_total', timed)).toBeGreaterThan(0)
  await until('the log is delivered', async () => (await metric('taskwire_event_log_lag')) === 0)
  expect(await metric('taskwire_event_log_position')).toBeGreaterThan(0)
  expect(await metric('taskwire_database_connections')).toBe(onPostgres ? 10 : 1)
  const { text } = await metrics()
  for (const name of ['taskwire_streams', 'taskwire_websockets', 'nodejs_eventloop_lag_p99_seconds'])
    expect(text).toContain(`\n${name} `)
})

test('labels come from the schema, whatever clients send', async () => {
  await rest(server, 'GET /made-up-path')
  await graphql(server, 'query MadeUpName { madeUpField }')
  await until('it is counted', async () => (await metrics()).text.includes('operation="none",code="NOT_FOUND"'))
  expect((await metrics()).text).not.toMatch(/made-?up/i)
})

test('metrics are for this machine, or for whoever has the token', async () => {
  expect((await metrics()).status).toBe(200)
  expect((await metrics({ 'x-forwarded-for': '127.0.0.1' })).status).toBe(403)
  const guarded = await ownServerForTest({ METRICS_TOKEN: 'a token for the monitoring' })
  const ask = (headers: Record<string, string>) => fetch(`${guarded.url}/metrics`, { headers })
  expect((await ask({})).status).toBe(401)
  expect((await ask({ authorization: 'Bearer another token entirely' })).status).toBe(401)
  const authorization = 'Bearer a token for the monitoring'
  expect((await ask({ authorization, 'x-forwarded-for': '203.0.113.9' })).status).toBe(200)
  const off = await ownServerForTest({ METRICS: 'off' })
  expect((await fetch(`${off.url}/metrics`)).status).toBe(404)
})

test('a registered tracer gets a span for the request, its operation and its statements', async () => {
  const spans = await recordSpans()
  const traceId = '12'.repeat(16)
  const headers = { traceparent: `00-${traceId}-${'34'.repeat(8)}-01`, 'x-request-id': 'traced-1' }
  await rest(server, 'GET /tasks', { token: ada.token, headers })
  expect(await lineOf('traced-1')).toMatchObject({ traceId })
  const own = spans.filter((span) => span.traceId === traceId)
  const request = own.find(({ name }) => name === 'rest tasks')
  const operation = own.find(({ name }) => name === 'tasks')
  expect(request).toMatchObject({ parentId: '34'.repeat(8), isError: false })
  expect(request?.attributes).toMatchObject({ 'http.response.status_code': 200, 'url.path': '/api/v1/tasks' })
  expect(operation?.parentId).toBe(request?.spanId)
  const statements = own.filter(({ attributes }) => attributes['db.system.name'] === 'postgresql')
  expect(statements.length).toBeGreaterThan(0)
  expect(statements.map(({ parentId }) => parentId)).toContain(operation?.spanId)
})
