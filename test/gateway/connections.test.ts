import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { limitPipelining } from '../../src/gateway/limits/pipelining.ts'
import { ownServerForTest, signUp } from '../support/server.ts'
import { until } from '../support/wait.ts'

interface Connection {
  socket: Socket
  /** Everything received so far. */
  readonly text: string
}

function open(url: string): Connection {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  return {
    socket,
    get text() {
      return text
    },
  }
}

async function serve(handle: RequestListener): Promise<string> {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'
const answersIn = ({ text }: Connection) => text.split('HTTP/1.1 200').length - 1

test('of one connection PIPELINE_LIMIT requests run, further ones wait, and others do not wait for them', async () => {
  const running = new Set<ServerResponse>()
  const url = await serve(limitPipelining((_request, response) => void running.add(response), 4))
  const greedy = open(url)
  greedy.socket.write(GET.repeat(5))
  await until('four requests run', () => running.size === 4)
  const other = open(url)
  other.socket.write(GET)
  await until('the request of another connection runs', () => running.size === 5)
  const [first] = running
  first!.end('done')
  await until('the fifth request runs', () => running.size === 6)
  for (const response of running) response.end('done')
  await until('all are answered', () => answersIn(greedy) === 5 && answersIn(other) === 1)
})

test('thousands of requests on one connection are all answered, in order', async () => {
  let count = 0
  const handle: RequestListener = (_request, response) => setImmediate(() => response.end(`<${count++}>`))
  const connection = open(await serve(limitPipelining(handle, 4)))
  connection.socket.write(GET.repeat(3_000))
  await until('all are answered', () => answersIn(connection) === 3_000)
  expect(connection.text.match(/<\d+>/g)).toEqual(Array.from({ length: 3_000 }, (_, index) => `<${index}>`))
})

test('other connections get a turn between any two requests of one', async () => {
  const turns: string[] = []
  const handle: RequestListener = ({ url = '' }, response) => {
    turns.push(url)
    response.end('done')
  }
  const url = await serve(limitPipelining(handle, 4))
  const [greedy, other] = [open(url), open(url)]
  greedy.socket.write(GET.repeat(5_000))
  await until('it has begun', () => turns.length > 0)
  other.socket.write(GET.replace('/', '/other'))
  await until('all are answered', () => answersIn(greedy) === 5_000 && answersIn(other) === 1)
  expect(turns.indexOf('/other')).toBeLessThan(4_000)
})

test('answers that nobody reads hold up the requests behind them', async () => {
  let started = 0
  const handle: RequestListener = (_request, response) => {
    started++
    response.end(Buffer.alloc(10_000_000))
  }
  const url = await serve(limitPipelining(handle, 4))
  const deaf = open(url)
  deaf.socket.pause()
  deaf.socket.write(GET.repeat(40))
  await until('the first requests run', () => started >= 4)
  // The answer to another connection shows that everything before it was handled.
  const other = open(url)
  other.socket.write(GET)
  await until('another connection is answered', () => other.text.length > 10_000_000)
  expect(started).toBeLessThan(10)
})

test('slow headers, slow bodies and silent connections are closed, and a healthy one is not', async () => {
  const server = await ownServerForTest({ HEADERS_TIMEOUT: '1000', BODY_TIMEOUT: '2000', BULK_BODY_TIMEOUT: '2000' })
  const [headers, body, silent, healthy] = [open(server.url), open(server.url), open(server.url), open(server.url)]
  headers.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ')
  body.socket.write(
    'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
  )
  const dripping = setInterval(() => {
    headers.socket.write('a')
    body.socket.write(' ')
    healthy.socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
  }, 200)
  onTestFinished(() => clearInterval(dripping))
  await until('they are closed', () => [headers, body, silent].every(({ socket }) => socket.destroyed), 20_000)
  for (const { text } of [headers, body]) expect(text).toContain('HTTP/1.1 408')
  expect(body.text).toContain('The body took longer than 2 s to arrive')
  expect(healthy.socket.destroyed).toBe(false)
  expect(answersIn(healthy)).toBeGreaterThan(2)
})

test('a body that arrives within BODY_TIMEOUT is accepted, although REQUEST_TIMEOUT is shorter', async () => {
  const server = await ownServerForTest({ BODY_TIMEOUT: '30000', REQUEST_TIMEOUT: '1000' })
  const connection = open(server.url)
  const { socket } = connection
  const text = '{"query":"{ __typename }"}'
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n`,
  )
  let sent = 0
  const dripping = setInterval(() => {
    if (sent < text.length) socket.write(text[sent++] ?? '')
  }, 60)
  onTestFinished(() => clearInterval(dripping))
  await until('it is answered', () => connection.text.includes('\r\n\r\n'))
  expect(connection.text).toContain('HTTP/1.1 200')
})

test('a bulk body may take BULK_BODY_TIMEOUT to arrive, longer than BODY_TIMEOUT, and no longer', async () => {
  const settings = { BODY_TIMEOUT: '1000', BULK_BODY_TIMEOUT: '4000', REQUEST_TIMEOUT: '1000' }
  const server = await ownServerForTest(settings)
  const { token } = await signUp(server)
  const text = '{"items":[{"title":"Slow"}]}'
  const head = (length: number) =>
    `POST /api/v1/tasks/bulk HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
  const [slow, late] = [open(server.url), open(server.url)]
  slow.socket.write(head(text.length))
  late.socket.write(head(1_000))
  let sent = 0
  const dripping = setInterval(() => {
    if (sent < text.length) slow.socket.write(text[sent++] ?? '')
    late.socket.write(' ')
  }, 60)
  onTestFinished(() => clearInterval(dripping))
  await until('both are answered', () => [slow, late].every((one) => one.text.includes('\r\n\r\n')), 30_000)
  expect(slow.text).toContain('HTTP/1.1 200')
  expect(late.text).toContain('HTTP/1.1 408')
  expect(late.text).toContain('The body took longer than 4 s to arrive')
})

test('a connection without requests is closed after KEEP_ALIVE_TIMEOUT', async () => {
  const server = await ownServerForTest({ KEEP_ALIVE_TIMEOUT: '1000' })
  const [idle, busy] = [open(server.url), open(server.url)]
  const ask = ({ socket }: Connection) => socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
  ask(idle)
  const asking = setInterval(() => ask(busy), 300)
  onTestFinished(() => clearInterval(asking))
  await until('the idle one is closed', () => idle.socket.destroyed, 30_000)
  expect(answersIn(idle)).toBe(1)
  expect(busy.socket.destroyed).toBe(false)
})
