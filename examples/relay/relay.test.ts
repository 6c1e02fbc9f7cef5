import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { eventStream, graphql, Inbox, rest, subscribe, websocketClient } from '../../test/support/clients.ts'
import { until } from '../../test/support/wait.ts'
import { openExample, SILENT } from '../open-example.ts'
import type { Deliver } from './notifications.ts'
import { createRelay, type Relay } from './relay.ts'

const REPORT = { city: 'Oslo', celsius: -3.5, sky: 'snow' }

/** The weather service, and how often it was asked. */
const weather = { asked: 0, answer: undefined as RequestListener | undefined }
const service = createServer((request, response) => {
  weather.asked++
  weather.answer?.(request, response)
})
let deliver: Deliver = async () => undefined
let relay: Relay

beforeAll(() => new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  service.closeAllConnections()
  service.close()
})
beforeEach(() => {
  weather.asked = 0
  weather.answer = (_request, response) => response.end(JSON.stringify(REPORT))
})

const server = openExample(async () => {
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  relay = await createRelay({
    upstream: { url, timeoutMs: 250, attempts: 3, pauseMs: 1 },
    deliver: (notification) => deliver(notification),
    log: SILENT,
  })
  return relay
})

describe('the weather', () => {
  const ask = async () => {
    const { status, body } = await rest(server, 'GET /weather/Oslo')
    return { status, code: body.code, asked: weather.asked }
  }

  test('comes from the service, in REST and in GraphQL', async () => {
    expect((await rest(server, 'GET /weather/Oslo')).body).toEqual(REPORT)
    expect((await graphql(server, '{ weather(city: "Oslo") { city celsius sky } }')).data.weather).toEqual(REPORT)
  })

  test('is asked for again after a failure', async () => {
    weather.answer = (_request, response) => {
      response.statusCode = weather.asked < 3 ? 500 : 200
      response.end(JSON.stringify(REPORT))
    }
    expect(await ask()).toEqual({ status: 200, asked: 3 })
  })

  test('is a 504 if the service does not answer in time', async () => {
    weather.answer = () => undefined
    expect(await ask()).toEqual({ status: 504, code: 'UPSTREAM_TIMEOUT', asked: 3 })
  })

  test.each<[string, RequestListener]>([
    ['fails', (_request, response) => response.writeHead(503).end('{}')],
    ['hangs up', (request) => request.socket.destroy()],
    ['sends no JSON', (_request, response) => response.end('<html>')],
    ['sends another shape', (_request, response) => response.end('{"city": "Oslo"}')],
  ])('is a 502 if the service %s', async (_what, answer) => {
    weather.answer = answer
    expect(await ask()).toEqual({ status: 502, code: 'UPSTREAM_FAILED', asked: 3 })
    const { errors } = await graphql(server, '{ weather(city: "Oslo") { sky } }')
    expect(errors?.[0]?.extensions.code).toBe('UPSTREAM_FAILED')
  })

  test('is a 404 for a city that the service does not know, without asking again', async () => {
    weather.answer = (_request, response) => response.writeHead(404).end()
    expect(await ask()).toEqual({ status: 404, code: 'NOT_FOUND', asked: 1 })
  })
})

/** Opens a plain websocket whose messages are queued. */
async function open(path: string) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`)
  const inbox = new Inbox<{ data: string; isBinary: boolean }>()
  socket.on('message', (data, isBinary) => inbox.push({ data: String(data), isBinary }))
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  return { socket, inbox }
}

describe('websockets', () => {
  test('/echo sends back what it receives', async () => {
    const { socket, inbox } = await open('/echo')
    socket.send('hello')
    socket.send(Buffer.from([1, 2]))
    expect(await inbox.next()).toEqual({ data: 'hello', isBinary: false })
    expect(await inbox.next()).toEqual({ data: '\u0001\u0002', isBinary: true })
  })

  test('the chat reaches everybody: plain websockets, graphql-ws and Server-Sent Events', async () => {
    const [ann, bob] = [await open('/chat'), await open('/chat')]
    const events = await eventStream(server, '/chat/stream')
    const live = subscribe(websocketClient(server), 'subscription { chat { name text } }')
    // Its own echo shows that it listens.
    const listens = async () => {
      await graphql(server, 'mutation { say(name: "Host", text: "Anybody?") { cursor } }')
      return live.inbox.size > 0
    }
    await until('the subscription is open', listens)
    ann.socket.send(JSON.stringify({ name: 'Ann', text: 'Hello' }))
    await rest(server, 'POST /chat', { body: { name: 'Eve', text: 'Hi' } })
    const fromPeople = async (next: () => Promise<{ name: string; text: string }>) => {
      const heard: string[] = []
      while (heard.length < 2) {
        const { name, text } = await next()
        if (name !== 'Host') heard.push(`${name}: ${text}`)
      }
      return heard.sort()
    }
    for (const next of [
      async () => JSON.parse((await ann.inbox.next()).data),
      async () => JSON.parse((await bob.inbox.next()).data),
      async () => (await events.inbox.next()).data,
      async () => (await live.inbox.next()).data.chat,
    ])
      expect(await fromPeople(next)).toEqual(['Ann: Hello', 'Eve: Hi'])
    bob.socket.send('{"name": ""}')
    expect((await bob.inbox.next()).data).toContain('error')
  })

  test('a chat that was cut continues after the last message', async () => {
    const said = async (text: string) => (await rest(server, 'POST /chat', { body: { name: 'Ann', text } })).body
    const first = await said('one')
    await said('two')
    const { inbox } = await eventStream(server, '/chat/stream', { headers: { 'last-event-id': first.cursor } })
    expect((await inbox.next()).data).toMatchObject({ name: 'Ann', text: 'two' })
  })

  test('there is none elsewhere, and none for a foreign page', async () => {
    const refused = async (path: string, headers = {}) => {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, { headers })
      socket.on('error', () => undefined)
      const [, response] = await once(socket, 'unexpected-response')
      return response.statusCode
    }
    expect(await refused('/elsewhere')).toBe(404)
    expect(await refused('/chat', { origin: 'https://evil.example' })).toBe(403)
  })
})

test('a notification is accepted first and delivered afterwards', async () => {
  const gate = Promise.withResolvers<void>()
  deliver = ({ email }) => (email.startsWith('ada') ? gate.promise : Promise.reject(new Error('the mailbox is full')))
  const accepted = await rest(server, 'POST /notifications', { body: { email: 'ada@example.org', message: 'Hi' } })
  expect({ status: accepted.status, state: accepted.body.state }).toEqual({ status: 202, state: 'QUEUED' })
  const stateOf = async ({ id }: { id: string }) => (await rest(server, `GET /notifications/${id}`)).body.state
  expect(accepted.headers.get('location')).toBe(`/api/v1/notifications/${accepted.body.id}`)
  expect(await stateOf(accepted.body)).toBe('QUEUED')
  gate.resolve()
  await until('it is sent', async () => (await stateOf(accepted.body)) === 'SENT')
  const lost = await rest(server, 'POST /notifications', { body: { email: 'eve@example.org', message: 'Hi' } })
  await until('it has failed', async () => (await stateOf(lost.body)) === 'FAILED')
})

describe('streamed bodies', () => {
  test('a response is made as it is read, and stops when the client leaves', async () => {
    const few = await (await fetch(`${server.url}/api/v1/lines?count=3`)).text()
    expect(few).toBe('{"line":1}\n{"line":2}\n{"line":3}\n')
    const abort = new AbortController()
    const response = await fetch(`${server.url}/api/v1/lines?count=100000000`, { signal: abort.signal })
    const reader = response.body?.getReader()
    await reader?.read()
    expect(relay.progress).toMatchObject({ streams: 1 })
    let before = -1
    await until('nothing more is made for a client that does not read', async () => {
      const last = before
      before = relay.progress.lines
      await new Promise((resolve) => setTimeout(resolve, 50))
      return relay.progress.lines === last
    })
    expect(relay.progress.lines).toBeLessThan(10_000_000)
    abort.abort()
    await until('the stream has ended', () => relay.progress.streams === 0)
    expect((await rest(server, 'GET /lines?count=0')).body.errors).toMatchObject([{ path: ['query', 'count'] }])
  })

  test('an upload is counted as it arrives', async () => {
    const chunk = new Uint8Array(1_048_576)
    const before = relay.progress.bytes
    async function* body() {
      for (let sent = 1; sent <= 4; sent++) {
        yield chunk
        await until(`${sent} MiB are counted`, () => relay.progress.bytes - before === sent * chunk.length)
      }
    }
    const response = await fetch(`${server.url}/api/v1/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: Readable.toWeb(Readable.from(body())),
      duplex: 'half',
    } as RequestInit)
    expect(await response.json()).toMatchObject({ bytes: 4_194_304, sha256: expect.stringMatching(/^[\da-f]{64}$/) })
  })
})
