import { connect } from 'node:net'
import type { Random } from '../../support/random.ts'
import { hostileText, randomBytes } from './hostile.ts'

/** Requests that no HTTP client would send, as raw bytes. */
const SHAPES: readonly ((random: Random) => Buffer)[] = [
  // Not HTTP at all.
  (random) => randomBytes(random, 2_000),
  // Random bytes as method, path or version.
  (random) => lines(`${bytes(random, 20)} ${target(random)} HTTP/1.1`, HOST),
  (random) => lines(`GET /api/v1/${bytes(random, 200)} HTTP/1.1`, HOST),
  (random) => lines(`GET /api/v1/tasks?${bytes(random, 200)} HTTP/1.1`, HOST),
  (random) => lines(`GET ${target(random)} HTTP/${random.pick(['0.9', '1.0', '2.0', '9.9', 'x', ''])}`, HOST),
  // A missing, repeated or invalid Host; random header names and values; thousands of headers.
  (random) => lines(`GET ${target(random)} HTTP/1.1`),
  (random) => lines(`GET ${target(random)} HTTP/1.1`, HOST, HOST),
  (random) =>
    lines(`GET ${target(random)} HTTP/1.1`, `host: ${random.chance(0.5) ? random.pick(HOSTS) : bytes(random, 30)}`),
  (random) => lines(`GET ${target(random)} HTTP/1.1`, HOST, `${bytes(random, 30)}: ${bytes(random, 100)}`),
  (random) => lines(`GET ${target(random)} HTTP/1.1`, HOST, `${random.pick(HEADERS)}: ${bytes(random, 300)}`),
  (random) => lines(`GET ${target(random)} HTTP/1.1`, HOST, ...Array(random.below(3_000)).fill('a: b')),
  (random) => lines(`GET ${target(random)} HTTP/1.1`, HOST, `cookie: ${'x'.repeat(random.below(40_000))}`),
  // Contradictory lengths, truncated bodies, malformed chunks.
  (random) => withBody(random, `content-length: ${random.pick(LENGTHS)}`, randomBytes(random, 200)),
  (random) => withBody(random, 'content-length: 5\r\ntransfer-encoding: chunked', randomBytes(random, 200)),
  (random) => withBody(random, 'transfer-encoding: chunked', randomBytes(random, 200)),
  (random) =>
    withBody(
      random,
      'transfer-encoding: chunked',
      Buffer.from(`3\r\n{"a\r\n${bytes(random, 40)}\r\n0\r\n\r\n`, 'latin1'),
    ),
  (random) => withBody(random, 'content-length: 100\r\nexpect: 100-continue', randomBytes(random, 99)),
  (random) =>
    withBody(random, `content-encoding: ${random.pick(ENCODINGS)}\r\ncontent-length: 20`, randomBytes(random, 21)),
  // Methods that servers treat specially.
  (random) =>
    lines(
      `${random.pick(['CONNECT', 'OPTIONS', 'TRACE'])} ${random.pick(['*', 'x:1', target(random)])} HTTP/1.1`,
      HOST,
    ),
  // A websocket upgrade, valid or almost, followed by random bytes as frames.
  (random) => Buffer.concat([upgrade(random), randomBytes(random, 300)]),
  // Pipelined requests, followed by random bytes.
  (random) => Buffer.concat([...Array(3).fill(lines(`GET ${target(random)} HTTP/1.1`, HOST)), randomBytes(random, 50)]),
]

const HOST = 'host: 127.0.0.1'
const HOSTS = ['', '%zz', '[::1]', '[::zz]', '127.0.0.1:99999', '1.2.3.999', 'a,b', 'a/b', 'a@b', 'xn--', '*']
const HEADERS = [
  'accept',
  'authorization',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'origin',
  'x-api-key',
  'x-request-id',
]
const LENGTHS = ['-1', '0', '1', '5, 6', '0x10', '99999999999999999999', '1e3', '', 'x', '1000000000']
const ENCODINGS = ['gzip', 'br', 'identity', 'x', '']
const PATHS = [
  '/',
  '/api/v1/tasks',
  '/api/v1/tasks/x',
  '/api/v1/auth/token',
  '/graphql',
  '/docs',
  '/livez',
  '/api/v1/openapi.json',
]

const upgrade = (random: Random) =>
  lines(
    'GET /graphql HTTP/1.1',
    `host: ${random.pick(HOSTS)}`,
    'connection: upgrade',
    `upgrade: ${random.pick(['websocket', 'websocket', 'h2c', 'x'])}`,
    'sec-websocket-version: 13',
    `sec-websocket-key: ${random.chance(0.8) ? 'dGhlIHNhbXBsZSBub25jZQ==' : bytes(random, 30)}`,
    `sec-websocket-protocol: ${random.chance(0.8) ? 'graphql-transport-ws' : bytes(random, 30)}`,
  )

export const drawRaw = (random: Random): Buffer => random.pick(SHAPES)(random)

const lines = (...head: string[]) => Buffer.from([...head, '', ''].join('\r\n'), 'latin1')

const withBody = (random: Random, headers: string, body: Buffer) => {
  const path = random.pick(['/api/v1/tasks', '/api/v1/auth/sign-in', '/api/v1/auth/token', '/graphql'])
  return Buffer.concat([lines(`POST ${path} HTTP/1.1`, HOST, 'content-type: application/json', headers), body])
}

const bytes = (random: Random, most: number) => randomBytes(random, most).toString('latin1')

const target = (random: Random) =>
  random.pick([
    () => random.pick(PATHS),
    () => `/${bytes(random, 60)}`,
    () => `http://elsewhere.example${random.pick(PATHS)}`,
    () => `/api/v1/../${hostileText(random)}`,
    () => `//${'/'.repeat(random.below(50))}`,
    () => random.pick(PATHS) + '/x'.repeat(random.below(5_000)),
  ])()

/**
 * Sends the bytes and returns what the server answers until it closes. Rejects if it leaves the
 * connection open for 10 s.
 */
export function sendRaw(url: string, sent: Buffer): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.setEncoding('latin1')
    socket.setTimeout(10_000, () => socket.destroy(new Error('the server left the connection open for 10 s')))
    socket.on('data', (text: string) => {
      answer = (answer + text).slice(0, 100_000)
    })
    // A server that rejects a request may reset the connection while the rest is being sent.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(answer) : reject(error),
    )
    socket.once('close', () => resolve(answer))
    socket.end(sent)
  })
}

/**
 * Returns what is wrong with an answer to raw bytes. No answer is fine; a 5xx, or an error that is
 * not JSON, is not.
 */
export function judgeRaw(answer: string): string | undefined {
  for (const [head, status] of answer.matchAll(/^HTTP\/\S+ (\d+)(?:[^\r\n]*\r\n)+/gm)) {
    if (Number(status) >= 500 && status !== '501') return `server error: ${head}`
    if (Number(status) >= 400 && !/^content-type: application\/(problem\+|graphql-response\+)?json/im.test(head))
      return `error that is not JSON: ${head}`
  }
  return answer === '' || answer.startsWith('HTTP/1.') ? undefined : 'answer that is not HTTP'
}
