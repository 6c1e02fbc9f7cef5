import { request } from 'node:http'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { preferredEncoding } from '../../src/gateway/http/encoding.ts'
import { rest } from '../support/clients.ts'
import { freshServerForTest, sharedServer, signUp, type TestServer } from '../support/server.ts'

const DECODE = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync }
type Encoding = keyof typeof DECODE
const ENCODINGS = Object.keys(DECODE) as Encoding[]

let server: TestServer
let token: string
let small: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
  for (let count = 0; count < 40; count++)
    small = (await rest(server, 'POST /tasks', { token, body: { title: `Task ${count}` } })).body.id
})

interface Answer {
  status: number | undefined
  headers: Record<string, string | string[] | undefined>
  bytes: Buffer
}

/** Sends a request as it is. fetch would add Accept-Encoding, and decode. */
function send(
  at: TestServer,
  path: string,
  headers: Record<string, string> = {},
  { method = 'GET', body }: { method?: string; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${at.url}${path}`, { method, headers: { authorization: `Bearer ${token}`, ...headers } })
    sent.on('error', reject)
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks) }),
      )
    })
    sent.end(body)
  })
}

const LIST = '/api/v1/tasks?limit=40'
const QUERY = '{ tasks(first: 40) { nodes { id title status priority createdAt updatedAt } } }'
const postQuery = (headers: Record<string, string>) =>
  send(
    server,
    '/graphql',
    { 'content-type': 'application/json', ...headers },
    { method: 'POST', body: JSON.stringify({ query: QUERY }) },
  )
const doors: [string, (headers: Record<string, string>) => Promise<Answer>][] = [
  ['a REST list', (headers) => send(server, LIST, headers)],
  ['POST /graphql', postQuery],
  ['GET /graphql', (headers) => send(server, `/graphql?query=${encodeURIComponent(QUERY)}`, headers)],
  ['the OpenAPI document', (headers) => send(server, '/api/v1/openapi.json', headers)],
]

describe.each(doors)('%s', (_door, ask) => {
  test.each(ENCODINGS)('is compressed for a client that accepts %s', async (encoding) => {
    const [plain, packed] = [await ask({}), await ask({ 'accept-encoding': encoding })]
    expect(plain.headers['content-encoding']).toBeUndefined()
    // A file is compressed once, and only in the forms that all browsers accept.
    if (encoding === 'zstd' && packed.headers['content-encoding'] === undefined)
      return expect(packed.bytes.equals(plain.bytes)).toBe(true)
    expect([packed.status, packed.headers['content-encoding']]).toEqual([200, encoding])
    expect(packed.headers['content-length']).toBe(String(packed.bytes.length))
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 2)
    expect(DECODE[encoding](packed.bytes).equals(plain.bytes)).toBe(true)
  })

  test('says that it depends on what is accepted, compressed or not', async () => {
    for (const headers of [{}, { 'accept-encoding': 'gzip' }] as Record<string, string>[])
      expect((await ask(headers)).headers.vary).toMatch(/Accept-Encoding/)
  })
})

describe('what is accepted', () => {
  test.each([
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['br;q=0.1, gzip;q=0.9', 'gzip'],
    ['gzip;q=0', undefined],
    ['*', 'zstd'],
    ['*;q=0.1, zstd;q=0', 'br'],
    ['identity, gzip;q=0.5', undefined],
    ['deflate, compress', undefined],
    ['x'.repeat(5_000), undefined],
  ])('%s gives %s', (header, encoding) => {
    expect(preferredEncoding(header, ['zstd', 'br', 'gzip'])).toBe(encoding)
  })
})

test('small answers, empty ones and streams are not compressed', async () => {
  const headers = { 'accept-encoding': 'gzip, br, zstd' }
  for (const answer of [
    await send(server, `/api/v1/tasks/${small}`, headers),
    await send(server, '/livez', headers),
    await send(server, '/api/v1/nothing', headers),
    await send(server, '/api/v1/tasks', headers, { method: 'OPTIONS' }),
  ])
    expect(answer.headers['content-encoding']).toBeUndefined()
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  for (const path of ['/api/v1/events/stream', `/graphql?query=${encodeURIComponent('subscription{events{type}}')}`]) {
    const stream = await fetch(`${server.url}${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers },
      signal: abort.signal,
    })
    expect([stream.status, stream.headers.get('content-encoding')], path).toEqual([200, null])
  }
})

test('HEAD has the headers of GET', async () => {
  const headers = { 'accept-encoding': 'gzip' }
  const [head, full] = [await send(server, LIST, headers, { method: 'HEAD' }), await send(server, LIST, headers)]
  expect(head.bytes.length).toBe(0)
  for (const name of ['etag', 'content-encoding', 'content-length', 'vary'])
    expect(head.headers[name], name).toBe(full.headers[name])
})

describe('an ETag', () => {
  test.each(['/api/v1/openapi.json', LIST])('of %s is that of the encoding, and each is revalidated', async (path) => {
    const tags = new Set<string>()
    for (const accept of ['identity', 'br', 'gzip']) {
      const first = await send(server, path, { 'accept-encoding': accept })
      const etag = String(first.headers.etag)
      expect(first.status).toBe(200)
      tags.add(etag)
      for (const condition of [etag, `W/${etag}`, `"other", ${etag}`]) {
        const again = await send(server, path, { 'accept-encoding': accept, 'if-none-match': condition })
        expect([again.status, again.headers.etag, again.bytes.length], condition).toEqual([304, etag, 0])
        expect(again.headers.vary).toMatch(/Accept-Encoding/)
      }
      // Whatever the client asks for now, it has these bytes.
      const other = await send(server, path, { 'accept-encoding': 'gzip', 'if-none-match': etag })
      expect([other.status, other.headers.etag]).toEqual([304, etag])
      expect((await send(server, path, { 'accept-encoding': accept, 'if-none-match': '"x-gzip"' })).status).toBe(200)
    }
    expect(tags.size).toBe(3)
  })

  test.each(ENCODINGS)('of an entity in %s works in If-Match, and a stale one is refused', async (encoding) => {
    const description = 'A long description. '.repeat(100)
    const made = await rest(server, 'POST /tasks', { token, body: { title: 'A', description } })
    const path = `/api/v1/tasks/${made.body.id}`
    const read = await send(server, path, { 'accept-encoding': encoding })
    expect(read.headers.etag).toMatch(new RegExp(`^"v1\\..{22}-${encoding}"$`))
    const change = (match: string) =>
      send(
        server,
        path,
        { 'content-type': 'application/json', 'if-match': match, 'accept-encoding': encoding },
        { method: 'PATCH', body: '{"title":"B"}' },
      )
    const changed = await change(String(read.headers.etag))
    expect([changed.status, changed.headers.etag]).toEqual([200, expect.stringMatching(/^"v2\./)])
    expect((await change(String(read.headers.etag))).status).toBe(412)
    expect((await change(String(changed.headers.etag))).status).toBe(200)
  })
})

test('COMPRESSION=off sends everything as it is', async () => {
  const own = await freshServerForTest({ COMPRESSION: 'off' })
  for (const path of [LIST, '/api/v1/openapi.json', '/docs/start.js', '/graphiql/graphiql.css']) {
    const { status, headers, bytes } = await send(own, path, { 'accept-encoding': 'gzip, br, zstd' })
    expect([status, headers['content-encoding'], headers['content-length']], path).toEqual([
      200,
      undefined,
      String(bytes.length),
    ])
    expect(headers.vary ?? '').not.toContain('Accept-Encoding')
  }
})

test('large answers are compressed beside the event loop, and a client that leaves is no error', async () => {
  const title = 'x'.repeat(150)
  const tasks = Array.from({ length: 100 }, (_, index) => ({
    title: `${index} ${title}`,
    description: title.repeat(20),
  }))
  await rest(server, 'POST /tasks/bulk', { token, body: { tasks } })
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      if (index % 2) return send(server, '/api/v1/tasks?limit=100', { 'accept-encoding': ENCODINGS[index % 3]! })
      const abort = AbortSignal.timeout(5 + index)
      await fetch(`${server.url}/api/v1/tasks?limit=100`, {
        headers: { authorization: `Bearer ${token}` },
        signal: abort,
      }).catch(() => undefined)
      return undefined
    }),
  )
  for (const answer of answers) if (answer) expect(answer.status).toBe(200)
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})
