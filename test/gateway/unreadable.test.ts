import { connect } from 'node:net'
import { beforeAll, expect, test } from 'vitest'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
})

/** Returns everything the server sends until it ends the connection. */
function answerTo(sent: string): Promise<string> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(sent))
    let answer = ''
    socket.setEncoding('utf8')
    socket.on('data', (text) => {
      answer += text
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(answer))
  })
}

function parsed(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), problem: JSON.parse(body) }
}

const HOST = 'Host: 127.0.0.1\r\n'

test.each([
  ['bytes that are no HTTP', 'hello\r\n\r\n', 400, 'BAD_REQUEST'],
  ['an unknown method', `FETCH /api/v1/tasks HTTP/1.1\r\n${HOST}\r\n`, 400, 'BAD_REQUEST'],
  ['a space in a header’s name', `GET /api/v1/tasks HTTP/1.1\r\n${HOST}a b: c\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['no host', 'GET /api/v1/tasks HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
  ['headers of 40 kB', `GET / HTTP/1.1\r\n${HOST}a: ${'x'.repeat(40_000)}\r\n\r\n`, 431, 'BAD_REQUEST'],
  [
    'a chunk with no size',
    `POST /api/v1/auth/login HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    400,
    'BAD_REQUEST',
  ],
  [
    'a websocket where there is none',
    `GET /api/v1/tasks HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    404,
    'NOT_FOUND',
  ],
  [
    'a websocket without a key',
    `GET /graphql HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    400,
    'BAD_REQUEST',
  ],
  [
    'a websocket of a foreign page',
    `GET /graphql HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: https://elsewhere.example\r\n\r\n`,
    403,
    'FORBIDDEN',
  ],
])('%s is answered with a problem', async (_what, sent, status, code) => {
  const answer = parsed(await answerTo(sent))
  expect(answer).toMatchObject({ status, problem: { status, code, requestId: expect.any(String) } })
  expect(answer.head).toContain('content-type: application/problem+json')
  expect(answer.head).toContain(`x-request-id: ${answer.problem.requestId}`)
})

test('an error after a pipelined request does not write into the answer in progress', async () => {
  const events = `GET /api/v1/events/stream HTTP/1.1\r\n${HOST}Authorization: Bearer ${token}\r\n\r\n`
  const { hostname, port } = new URL(server.url)
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(events))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      if (text.includes('retry:')) socket.write('no HTTP\r\n\r\n')
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(text) : reject(error),
    )
    socket.once('close', () => resolve(text))
  })
  expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
})

test('an offer to upgrade to another protocol is ignored, and the request is served', async () => {
  const offer = `Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n`
  const answer = await answerTo(`GET /api/v1/me HTTP/1.1\r\n${HOST}${offer}Authorization: Bearer ${token}\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
})
