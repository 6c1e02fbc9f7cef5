import { expect, onTestFinished, test } from 'vitest'
import { eventStream, rest } from '../support/clients.ts'
import { cursorOf } from '../support/factories.ts'
import { freshServerForTest, sharedServer, signUp, type TestServer } from '../support/server.ts'
import { graphqlStream, openSocket } from '../support/sockets.ts'
import { until } from '../support/wait.ts'

async function start<S extends TestServer>(server: S) {
  const { token } = await signUp(server)
  const write = async (title: string) => (await rest(server, 'POST /tasks', { token, body: { title } })).body.id
  return { server, token, write, caller: { url: server.url, token } }
}

/** Returns the fields of the first block of a stream, sent before any event. */
async function opening(server: TestServer, path: string, token: string, headers: Record<string, string> = {}) {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const response = await fetch(`${server.url}/api/v1${path}`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${token}`, ...headers },
    signal: abort.signal,
  })
  const { value } = await response.body!.getReader().read()
  abort.abort()
  return Object.fromEntries(
    new TextDecoder()
      .decode(value)
      .trimEnd()
      .split('\n')
      .map((line) => line.split(': ')),
  ) as Record<string, string>
}

test('a stream that is cut before its first event resumes from its start', async () => {
  const { server, token, write, caller } = await start(await sharedServer())
  for (const path of ['/events/stream', '/tasks/events']) {
    const began = await cursorOf(caller)
    const { id, retry } = await opening(server, path, token)
    expect(id).toBe(began)
    expect(Number(retry)).toBeGreaterThanOrEqual(1_000)
    expect(Number(retry)).toBeLessThanOrEqual(4_000)
    const missed = await write('While nobody looked')
    const resumed = await eventStream(server, path, { token, headers: { 'last-event-id': id! } })
    expect((await resumed.inbox.next()).data.taskId).toBe(missed)
    expect((await opening(server, `${path}?after=${began}`, token)).id).toBe(began)
    const headers = { 'last-event-id': await cursorOf(caller) }
    expect((await opening(server, `${path}?after=${began}`, token, headers)).id).toBe(headers['last-event-id'])
  }
})

test('the retry delays sent to clients vary', async () => {
  const { server, token } = await start(await sharedServer())
  const times = new Set<string | undefined>()
  for (let count = 0; count < 5; count++) times.add((await opening(server, '/events/stream', token)).retry)
  expect(times.size).toBeGreaterThan(1)
})

test('an invalid Last-Event-ID is rejected by its name, and an empty one is ignored', async () => {
  const { server, token } = await start(await sharedServer())
  const bad = await rest(server, 'GET /events/stream', { token, headers: { 'last-event-id': 'made-up' } })
  expect([bad.status, bad.body.errors[0].path]).toEqual([422, ['header', 'Last-Event-ID']])
  const inQuery = await rest(server, 'GET /events/stream?after=made-up', { token })
  expect([inQuery.status, inQuery.body.errors[0].path]).toEqual([422, ['query', 'after']])
  const empty = await rest(server, 'HEAD /events/stream', { token, headers: { 'last-event-id': '' } })
  expect(empty.status).toBe(200)
})

test('a stopping server ends each stream with the cursor of the last event it sent', async () => {
  const { server, token, write, caller } = await start(await freshServerForTest())
  const after = await cursorOf(caller)
  const query = `subscription { taskEvents(after: "${after}") { cursor } }`
  const socket = await openSocket(server, { authorization: `Bearer ${token}` })
  const overSocket = socket.follow(query)
  const { inbox: overSse } = await eventStream(server, `/events/stream?after=${after}`, { token })
  const { inbox: overGraphql } = await graphqlStream(server, query, { token })
  const { inbox: quiet } = await eventStream(server, '/events/stream?types=project', { token })
  await write('One')
  await write('Two')
  const seen: (string | undefined)[] = []
  for (const _ of ['One', 'Two']) {
    await overSocket.next()
    await overGraphql.next()
    seen.push((await overSse.next()).id)
  }
  await server.close()

  const reason = { code: 'server_stopping', path: ['after'], message: seen[1] }
  const last = await overSse.next()
  expect(last).toMatchObject({ event: 'error', data: { code: 'UNAVAILABLE', errors: [reason] } })
  expect(last.id).toBeUndefined()
  const { errors } = await overGraphql.next()
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAVAILABLE', issues: [reason] })
  // A filtered stream also moves past the events that it did not select.
  expect(await quiet.next()).toMatchObject({ data: { errors: [{ code: 'server_stopping', message: seen[1] }] } })
  for (const inbox of [overSse, overGraphql, quiet]) await until('it ends', () => inbox.ended !== undefined)
  await until('the websocket is closed', () => socket.closing !== undefined)
  expect(socket.closing?.code).toBe(1001)
})
