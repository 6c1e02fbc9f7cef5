import type { Random } from '../../support/random.ts'
import { hostileText, hostileValue, randomBytes } from '../fuzz/hostile.ts'
import { drawFrames } from './frames.ts'

/** Bytes for one connection. */
export interface Drawn {
  kind: 'http' | 'websocket'
  bytes: Buffer
}

/** Draws a request or a websocket session that starts from a valid one and goes wrong somewhere. */
export function draw(random: Random, token: string): Drawn {
  return random.chance(0.3)
    ? { kind: 'websocket', bytes: Buffer.concat([handshake(random, token), ...drawFrames(random, token)]) }
    : { kind: 'http', bytes: request(random, token) }
}

const HOST = 'Host: localhost'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PURGE', 'PROPFIND', 'get', 'X']

const QUERY = encodeURIComponent('{ me { id } tasks(first: 2) { nodes { id title } } }')
export const PATHS = [
  '/',
  '/livez',
  '/readyz/',
  '/docs',
  '/redoc/redoc.standalone.js',
  '/graphiql',
  '/graphiql/graphiql.css',
  `/graphql?query=${QUERY}`,
  '/graphql',
  '/graphql/',
  '/api/v1',
  '/api/v1/openapi.json',
  '/api/v1/me',
  '/api/v1/tasks',
  '/api/v1/tasks/bulk',
  '/api/v1/projects',
  '/api/v1/events',
  '/api/v1/auth/token',
  '/api/v1/auth/refresh',
  '/api/v1/tasks/00000000-0000-0000-0000-000000000000',
]

const TARGETS: readonly ((random: Random) => string)[] = [
  (random) => random.pick(PATHS),
  (random) => random.pick(PATHS),
  (random) => `${random.pick(PATHS)}?${encoded(random)}=${encoded(random)}&${encoded(random)}`,
  (random) => `/api/v1/tasks?${random.pick(NAMES)}=${encoded(random)}&${random.pick(NAMES)}=${encoded(random)}`,
  (random) => `/graphql?query=${QUERY}&${random.pick(['variables', 'extensions', 'operationName'])}=${encoded(random)}`,
  (random) => `/graphql?query=${encoded(random)}`,
  (random) => `http://localhost${random.pick(PATHS)}`,
  (random) =>
    `${random.pick(['https', 'ftp', 'http'])}://${random.pick(['', 'a@b', 'evil.example', '[::1', 'x:y'])}/livez`,
  (random) => random.pick(PATHS) + '/x'.repeat(random.below(3_000)),
  (random) => `/${'%2e%2e/'.repeat(random.below(20))}etc/passwd`,
  (random) => `//${random.pick(PATHS)}//`,
  () => '*',
  (random) => `/api/v1/tasks/${encoded(random)}`,
]

const NAMES = [
  'search',
  'limit',
  'after',
  'before',
  'filter',
  'orderBy',
  'fields',
  'include',
  'dueAt.gte',
  'status',
  'x',
]
const encoded = (random: Random) => encodeURIComponent(hostileText(random).toWellFormed()).slice(0, 6_000)

/** Values that each header must survive. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  Accept: [
    '*',
    'text/html',
    'text/event-stream',
    'multipart/mixed',
    'a/b;q=x',
    ';;;',
    ','.repeat(500),
    '*/*;q=0',
    'application/json;q=0.0001',
  ],
  'Accept-Encoding': [
    'gzip',
    'br, gzip',
    '*;q=0',
    'identity;q=0',
    'zstd;q=9',
    'gzip;q=',
    ','.repeat(3_000),
    'x'.repeat(5_000),
  ],
  'Content-Type': [
    'application/json; charset=utf-16',
    'application/json;charset',
    'multipart/form-data',
    'text/plain',
    '',
    'application/x-www-form-urlencoded',
    `application/json;${'a=b;'.repeat(500)}`,
  ],
  'Content-Encoding': ['gzip', 'identity', 'br, br', 'x'],
  'Content-Length': ['0', '5', '99', '-1', '1e3', '99999999999999999999', '1, 1'],
  'Transfer-Encoding': ['chunked', 'gzip, chunked', 'chunked, chunked', 'identity', ' chunked', 'x'],
  Expect: ['100-continue', 'foo', ''],
  Host: ['evil.example', 'localhost:99999', 'a b', '[::1]', '', 'LOCALHOST.'],
  Origin: ['null', 'http://evil.example', 'file://', 'x'],
  Authorization: [
    'Basic eDp4',
    'Bearer',
    'Bearer a b',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    `Bearer ${'x'.repeat(6_000)}`,
  ],
  'X-API-Key': ['tw_x', 'x', 'tw_'.repeat(1_000)],
  'If-Match': ['*', '"v1.x"', 'W/"v1.x"', '"v1.x", "v2.x"', 'x', '"'.repeat(999)],
  'If-None-Match': ['*', '"x-gzip"', `${'"a",'.repeat(900)}"b"`, '"'],
  'Idempotency-Key': ['a b', 'x', 'x'.repeat(300), 'é'],
  Range: ['bytes=0-1', 'bytes=-1', 'x=y'],
  Connection: ['close', 'keep-alive, Upgrade', 'Host', 'x'.repeat(999)],
  Upgrade: ['h2c', 'websocket', 'x'],
  'Last-Event-ID': ['x', '0'.repeat(4_000)],
  'X-Request-Id': ['a'.repeat(101), '<x>', '../..'],
  'X-Forwarded-For': ['x, y, z', ','.repeat(999)],
  'Access-Control-Request-Method': ['X', ''],
  'Access-Control-Request-Headers': ['*', 'x'.repeat(999)],
  Cookie: ['x='.repeat(2_000)],
  'X-HTTP-Method-Override': ['DELETE'],
}

const headerLine = (random: Random) => {
  const name = random.pick(Object.keys(HEADERS))
  return random.chance(0.9)
    ? `${name}: ${random.pick(HEADERS[name] ?? [''])}`
    : `${name}: ${randomBytes(random, 60)
        .toString('latin1')
        .replace(/[\r\n]/g, '')}`
}

function request(random: Random, token: string): Buffer {
  const method = random.chance(0.7) ? random.pick(['GET', 'POST', 'POST']) : random.pick(METHODS)
  const target = random.pick(TARGETS)(random)
  const body = method === 'GET' ? Buffer.alloc(0) : random.pick(BODIES)(random)
  const odd = Array.from({ length: random.below(4) }, () => headerLine(random))
  const named = (name: string) => odd.some((line) => line.startsWith(`${name}:`))
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(named('Host') ? [] : [HOST]),
    ...(named('Authorization') || random.chance(0.3) ? [] : [`Authorization: Bearer ${token}`]),
    ...(named('Content-Type') || body.length === 0 ? [] : ['Content-Type: application/json']),
    ...(named('Content-Length') || named('Transfer-Encoding') ? [] : [`Content-Length: ${body.length}`]),
    ...(named('Connection') ? [] : ['Connection: close']),
    ...odd,
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body])
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))

const BODIES: readonly ((random: Random) => Buffer)[] = [
  (random) => json({ title: hostileValue(random), description: hostileValue(random), [hostileText(random)]: 1 }),
  (random) => json({ query: '{ me { id } }', variables: hostileValue(random), operationName: hostileValue(random) }),
  (random) => json({ query: hostileValue(random), extensions: hostileValue(random) }),
  (random) =>
    json({ query: 'query ($n: Int) { tasks(first: $n) { nodes { id } } }', variables: { n: hostileValue(random) } }),
  (random) =>
    json({ query: '{ me { id } }', extensions: { persistedQuery: { version: 1, sha256Hash: hostileValue(random) } } }),
  (random) => json({ documentId: hostileText(random) }),
  (random) => json({ email: hostileValue(random), password: hostileValue(random), refreshToken: hostileValue(random) }),
  (random) => Buffer.from('['.repeat(random.below(50_000))),
  (random) => Buffer.from(`{"query":"{ ${'a{'.repeat(random.below(2_000))}"}`),
  (random) => Buffer.from(`{"title":${'9'.repeat(random.below(50_000))}}`),
  (random) => Buffer.from(`{${'"a":1,'.repeat(random.below(20_000))}"b":1}`),
  (random) => Buffer.from(`{"title":"${'\\u0000'.repeat(random.below(5_000))}"}`),
  (random) => Buffer.concat([Buffer.from('\ufeff'), json({ query: '{ me { id } }', title: hostileText(random) })]),
  (random) => randomBytes(random, 3_000),
  () => Buffer.from('5\r\nhello\r\n0\r\n\r\n'),
  () => Buffer.from('grant_type=password&username=a&password=b&password=c'),
  () => Buffer.alloc(0),
]

function handshake(random: Random, token: string): Buffer {
  const odd = random.chance(0.3) ? [headerLine(random)] : []
  return Buffer.from(
    `${[
      `GET ${random.chance(0.9) ? '/graphql' : random.pick(PATHS)} HTTP/1.1`,
      ...(odd.some((line) => line.startsWith('Host:')) ? [] : [HOST]),
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Version: ${random.chance(0.95) ? '13' : random.pick(['0', '99', 'x'])}`,
      `Sec-WebSocket-Key: ${random.chance(0.95) ? 'dGhlIHNhbXBsZSBub25jZQ==' : 'x'}`,
      `Sec-WebSocket-Protocol: ${random.chance(0.9) ? 'graphql-transport-ws' : random.pick(['graphql-ws', 'x', ','])}`,
      ...(random.chance(0.2) ? [`Authorization: Bearer ${token}`] : []),
      ...(random.chance(0.1) ? ['Sec-WebSocket-Extensions: permessage-deflate; x=y'] : []),
      ...odd,
    ].join('\r\n')}\r\n\r\n`,
    'latin1',
  )
}
