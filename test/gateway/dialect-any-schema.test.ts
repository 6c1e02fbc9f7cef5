import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { sendRaw } from '../long/fuzz/raw.ts'
import { openBookshop } from '../support/bookshop.ts'
import { graphql, type RestAnswer, type RestOptions, rest } from '../support/clients.ts'

/** Tests the whole REST dialect on an unrelated schema: none of it is specific to tasks. */

let server: Awaited<ReturnType<typeof openBookshop>>

beforeEach(async () => {
  const opened = await openBookshop()
  onTestFinished(() => opened.close())
  server = opened
})

const call = (request: string, options: RestOptions = {}) => rest(server, request, options)
const add = (body: object = {}) => call('POST /books', { body: { title: 'Emma', ...body } })
const stock = (count: number) => {
  for (let pages = 1; pages <= count; pages++) server.shop.add({ title: `Book ${pages % 3}`, pages, genre: 'FICTION' })
}
const problems = ({ body }: RestAnswer) =>
  (body.errors ?? []).map((one: { path: string[]; code: string }) => `${one.path.join('.')} ${one.code}`).sort()
const pagesOf = ({ body }: RestAnswer) => body.nodes.map((book: { pages: number }) => book.pages)

describe('statuses', () => {
  test('GET returns 200, a POST that creates 201 with Location, other writes 200, DELETE 204 without a body', async () => {
    const created = await add()
    const { id } = created.body
    expect([created.status, created.headers.get('location')]).toEqual([201, `/api/v1/books/${id}`])
    for (const [request, body, status] of [
      [`GET /book/${id}`, undefined, 200],
      ['POST /take-stock', undefined, 200],
      [`PATCH /books/${id}`, { pages: 3 }, 200],
      [`PUT /books/${id}`, { title: 'Emma' }, 200],
      [`DELETE /books/${id}`, undefined, 204],
    ] as const) {
      const answer = await call(request, body ? { body } : {})
      expect(answer.status, `${request} ${answer.text}`).toBe(status)
      expect(answer.text === '', request).toBe(status === 204)
      expect(answer.headers.get('location'), request).toBeNull()
    }
  })

  test('HEAD returns the headers of GET and no body', async () => {
    stock(3)
    for (const path of ['/book/book-1', '/books?limit=1', '/name', '/openapi.json']) {
      const [head, get] = [await call(`HEAD ${path}`), await call(`GET ${path}`)]
      expect([head.status, head.text], path).toEqual([200, ''])
      for (const name of ['etag', 'content-type', 'content-length', 'link', 'cache-control']) {
        expect(head.headers.get(name), `${path} ${name}`).toBe(get.headers.get(name))
      }
    }
    expect((await call('HEAD /book/nothing')).status).toBe(404)
  })

  test('OPTIONS returns 204 with Allow, another method 405 with the same Allow, an unknown path 404', async () => {
    for (const [path, allowed] of [
      ['/books', ['GET', 'HEAD', 'OPTIONS', 'POST']],
      ['/books/x', ['DELETE', 'OPTIONS', 'PATCH', 'PUT']],
      ['/take-stock', ['OPTIONS', 'POST']],
    ] as const) {
      const [listed, refused] = [await call(`OPTIONS ${path}`), await call(`PROPFIND ${path}`)]
      expect([listed.status, listed.text, refused.status]).toEqual([204, '', 405])
      expect(refused.body).toMatchObject({ code: 'METHOD_NOT_ALLOWED', status: 405 })
      for (const answer of [listed, refused]) {
        expect(answer.headers.get('allow')?.split(', ').sort(), path).toEqual(allowed)
      }
    }
    for (const request of ['GET /nothing', 'OPTIONS /nothing', 'POST /webhook', 'GET /Books', 'DELETE /books/x/y']) {
      expect((await call(request)).body, request).toMatchObject({ code: 'NOT_FOUND', status: 404 })
    }
  })

  test('a media type that cannot be sent is 406, by the weights of Accept', async () => {
    stock(1)
    for (const [accept, status] of [
      ['application/json', 200],
      ['text/html, */*;q=0.1', 200],
      ['text/html', 406],
      ['application/json;q=0', 406],
    ] as const) {
      expect((await call('GET /book/book-1', { headers: { accept } })).status, accept).toBe(status)
    }
  })

  test('a body of another type is 415, malformed JSON is 400, and too large a body is 413', async () => {
    const send = (raw: RestOptions['raw'], type = 'application/json') =>
      call('POST /books', { raw: raw!, headers: { 'content-type': type } })
    expect((await send('{"title":"A"}', 'text/plain')).body.code).toBe('UNSUPPORTED_MEDIA_TYPE')
    expect((await send('title=A', 'application/x-www-form-urlencoded')).status).toBe(415)
    expect((await send('{"title":"A"}', 'application/merge-patch+json; charset=utf-8')).status).toBe(201)
    for (const raw of ['{', '{"title":}', new Uint8Array([0x22, 0xff, 0x22])]) {
      expect((await send(raw)).body, String(raw)).toMatchObject({ code: 'BAD_REQUEST', status: 400 })
    }
    expect((await send(`{"title":"${'A'.repeat(10_000)}"}`)).body.code).toBe('PAYLOAD_TOO_LARGE')
  })

  test('a compressed body is 415 in all protocols, with the accepted encoding', async () => {
    const raw = new Uint8Array(gzipSync('{"title":"A"}'))
    for (const coding of ['gzip', 'GZIP', 'br', 'identity, gzip']) {
      const headers = { 'content-type': 'application/json', 'content-encoding': coding }
      const refused = await call('POST /books', { raw, headers })
      expect(refused.body, coding).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
      expect(refused.body.detail).toContain(coding.toLowerCase())
      expect(refused.headers.get('accept-encoding')).toBe('identity')
      const asked = await fetch(`${server.url}/graphql`, { method: 'POST', body: raw, headers })
      expect([asked.status, asked.headers.get('accept-encoding')], coding).toEqual([415, 'identity'])
      expect((await asked.json()).errors[0].extensions.code).toBe('UNSUPPORTED_MEDIA_TYPE')
    }
    const plain = { 'content-type': 'application/json', 'content-encoding': 'identity' }
    expect((await call('POST /books', { raw: '{"title":"A"}', headers: plain })).status).toBe(201)
    expect(server.shop.books).toHaveLength(1)
  })

  test('an invalid or repeated Host header is 400 in all protocols', async () => {
    for (const path of ['/api/v1/name', '/graphql?query=%7BshopName%7D']) {
      for (const host of ['a\r\nhost: b', 'a b', '%zz', '127.0.0.1:99999', '[::zz]', 'a/b', 'a@b', '']) {
        const answer = await sendRaw(
          server.url,
          Buffer.from(`GET ${path} HTTP/1.1\r\nconnection: close\r\nhost: ${host}\r\n\r\n`),
        )
        expect(answer, `${path} ${host}`).toMatch(/^HTTP\/1\.1 400 /)
        expect(answer).not.toMatch(/node_modules|Error:/)
      }
      for (const host of ['localhost', 'books.example:8080', '[::1]:4000', 'my_books']) {
        const answer = await sendRaw(
          server.url,
          Buffer.from(`GET ${path} HTTP/1.1\r\nconnection: close\r\nhost: ${host}\r\n\r\n`),
        )
        expect(answer, `${path} ${host}`).toMatch(/^HTTP\/1\.1 200 /)
      }
    }
  })
})

describe('inputs', () => {
  test('all problems are reported at once, each with its path, unknown names included', async () => {
    const { id } = (await add()).body
    const refused = await call(`PATCH /books/${id}?colour=red&fields=weight`, {
      body: { title: 5, pages: 1.5, smell: 'musty' },
    })
    expect(refused.status).toBe(422)
    expect(problems(refused)).toEqual([
      'body.pages invalid_type',
      'body.smell unknown_field',
      'body.title invalid_type',
      'query.colour unknown_parameter',
      'query.fields unknown_field',
    ])
    expect(problems(await call('POST /take-stock', { body: { x: 1 } }))).toEqual(['body.x unknown_field'])
    expect(problems(await call('POST /books'))).toEqual(['body required'])
    expect(problems(await call('POST /books', { body: [] }))).toEqual(['body invalid_type'])
    expect((await call(`GET /book/${id}`)).body).toMatchObject({ title: 'Emma', pages: 100, version: 1 })
  })

  test('PATCH keeps absent fields and clears null ones; PUT resets absent fields to their defaults', async () => {
    const { id } = (await add({ pages: 7, genre: 'TRAVEL' })).body
    expect((await call(`PATCH /books/${id}`, { body: {} })).body).toMatchObject({ title: 'Emma', pages: 7 })
    expect((await call(`PATCH /books/${id}`, { body: { pages: null } })).body).toMatchObject({
      pages: null,
      title: 'Emma',
    })
    const replaced = await call(`PUT /books/${id}`, { body: { title: 'Odes' } })
    expect(replaced.body).toMatchObject({ id, title: 'Odes', pages: 100, genre: 'FICTION' })
    expect(problems(await call(`PUT /books/${id}`, { body: {} }))).toEqual(['body.title required'])
  })

  test('a percent sign that encodes nothing is BAD_REQUEST in the query and in the path', async () => {
    for (const path of ['/books?limit=%zz', '/books?%', '/books?genre=%ff']) {
      expect((await call(`GET ${path}`)).body, path).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
    }
    expect((await call('GET /book/%zz')).status).toBeOneOf([400, 404])
  })
})

describe('conditions', () => {
  test('an ETag identifies version and content, and If-None-Match with it returns 304 without a body', async () => {
    const { id } = (await add()).body
    const read = await call(`GET /book/${id}`)
    const etag = read.headers.get('etag')!
    expect(etag).toMatch(/^"v1\.[\w-]{22}"$/)
    for (const [condition, status] of [
      [etag, 304],
      [`W/${etag}`, 304],
      [`"other", ${etag}`, 304],
      ['*', 304],
      ['"other"', 200],
    ] as const) {
      for (const method of ['GET', 'HEAD']) {
        const again = await call(`${method} /book/${id}`, { headers: { 'if-none-match': condition } })
        expect([again.status, again.headers.get('etag')], `${method} ${condition}`).toEqual([status, etag])
        if (status === 304) expect(again.text).toBe('')
      }
    }
    await call(`PATCH /books/${id}`, { body: { pages: 3 } })
    const changed = await call(`GET /book/${id}`, { headers: { 'if-none-match': etag } })
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, expect.stringMatching(/^"v2\./)])
    expect((await call('GET /books')).headers.get('etag')).toMatch(/^"[\w-]{22}"$/)
  })

  test('If-Match allows a change only at its version, and is rejected where there is no version', async () => {
    const created = await add()
    const { id } = created.body
    const at = (etag: string) => ({ body: { title: 'Odes' }, headers: { 'if-match': etag } })
    expect((await call(`PATCH /books/${id}`, at(created.headers.get('etag')!))).body).toMatchObject({ version: 2 })
    for (const [etag, status] of [
      [created.headers.get('etag')!, 412],
      ['"other"', 412],
      ['"v1.a", "v2.b"', 400],
      ['*', 200],
      ['"v3.of-any-representation"', 200],
    ] as const) {
      expect((await call(`PUT /books/${id}`, at(etag))).status, etag).toBe(status)
    }
    const refused = await call(`DELETE /books/${id}`, { headers: { 'if-match': '"v1.x"' } })
    expect([refused.status, ...problems(refused)]).toEqual([422, 'header.If-Match unsupported'])
    expect(server.shop.books).toHaveLength(1)
  })
})

describe('a list', () => {
  test('is an envelope of nodes and pageInfo with links in both directions, counted only on request', async () => {
    stock(5)
    const first = await call('GET /books?limit=2')
    expect(Object.keys(first.body).sort()).toEqual(['nodes', 'pageInfo'])
    expect(pagesOf(first)).toEqual([1, 2])
    expect((await call('GET /books?limit=2&include=totalCount')).body.totalCount).toBe(5)
    const follow = (answer: RestAnswer, rel: string) => {
      const target = new RegExp(`</api/v1([^>]*)>; rel="${rel}"`).exec(answer.headers.get('link') ?? '')?.[1]
      return target === undefined ? undefined : call(`GET ${target}`)
    }
    const second = (await follow(first, 'next'))!
    const third = (await follow(second, 'next'))!
    expect([pagesOf(second), pagesOf(third), await follow(third, 'next')]).toEqual([[3, 4], [5], undefined])
    expect(pagesOf((await follow(second, 'prev'))!)).toEqual([1, 2])
    expect(await follow(first, 'prev')).toBeUndefined()
    expect(pagesOf(await call('GET /books?offset=3'))).toEqual([4, 5])
    stock(30)
    expect((await call('GET /books')).body.nodes).toHaveLength(20)
  })

  test('is ordered by several terms, and rejects an invalid one', async () => {
    stock(6)
    expect(pagesOf(await call('GET /books?orderBy=title:desc&orderBy=pageCount'))).toEqual([2, 5, 1, 4, 3, 6])
    expect(pagesOf(await call('GET /books?orderBy=pageCount:desc&limit=2'))).toEqual([6, 5])
    const refused = await call('GET /books?orderBy=weight&orderBy=title:up')
    expect([refused.status, ...problems(refused)]).toEqual([
      422,
      'query.orderBy invalid_value',
      'query.orderBy invalid_value',
    ])
  })

  test('is filtered by repeated values and by operators after a dot, all of them validated', async () => {
    stock(6)
    server.shop.add({ title: 'Odes', pages: 3, genre: 'POETRY' })
    expect(pagesOf(await call('GET /books?pages.gte=3&pages.lte=4&genre=POETRY&genre=FICTION'))).toEqual([3, 4, 3])
    expect(problems(await call('GET /books?pages.gt=3&pages.gte=x&pages.lte=1&pages.lte=2&genre=PROSE'))).toEqual([
      'query.genre invalid_value',
      'query.pages.gt unknown_parameter',
      'query.pages.gte invalid_type',
      'query.pages.lte repeated',
    ])
  })

  test('and a single item are narrowed by fields and widened by include', async () => {
    stock(1)
    expect((await call('GET /books?fields=title,pages&include=author')).body.nodes).toEqual([
      { title: 'Book 1', pages: 1, author: { id: 'ann', name: 'Ann Author' } },
    ])
    const one = await call('PATCH /books/book-1?fields=title', { body: { pages: 2 } })
    expect(one.body).toEqual({ title: 'Book 1' })
    expect(one.headers.get('etag')).toMatch(/^"v2\./)
    const refused = await call('GET /book/book-1?fields=author,weight&include=title')
    expect(problems(refused)).toEqual([
      'query.fields unknown_field',
      'query.fields unknown_field',
      'query.include unknown_field',
    ])
  })
})

describe('Idempotency-Key', () => {
  const keyed = (key: string, body: object = { title: 'Emma' }) => ({ body, headers: { 'idempotency-key': key } })

  test('runs a repeated request once and replays its answer, and rejects a different request with the key', async () => {
    const [first, again] = [await call('POST /books', keyed('a')), await call('POST /books', keyed('a'))]
    expect(again).toMatchObject({ status: 201, body: first.body })
    expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true'])
    for (const name of ['location', 'etag']) expect(again.headers.get(name), name).toBe(first.headers.get(name))
    expect((await call('POST /books', keyed('a', { title: 'Odes' }))).body.code).toBe('IDEMPOTENCY_KEY_REUSED')
    expect((await call('POST /books', keyed('b'))).body.id).not.toBe(first.body.id)
    expect(server.shop.books).toHaveLength(2)
  })

  test('returns 409 while the first request is still running', async () => {
    let finish = () => {}
    server.shop.counted = new Promise((resolve) => (finish = resolve))
    const headers = { 'idempotency-key': 'slow' }
    const running = call('POST /take-stock', { headers })
    expect((await call('POST /take-stock', { headers: { 'idempotency-key': 'else' }, body: { x: 1 } })).status).toBe(
      422,
    )
    const second = call('POST /take-stock', { headers })
    expect((await Promise.race([running, second])).body).toMatchObject({ status: 409, code: 'CONFLICT' })
    finish()
    expect([(await running).status, (await second).status].sort()).toEqual([200, 409])
    expect((await call('POST /take-stock', { headers })).headers.get('idempotency-replayed')).toBe('true')
  })

  test('runs a failed request again, and is rejected if invalid or on operations with secrets', async () => {
    expect((await call('PATCH /books/book-1', keyed('a', { pages: 1 }))).status).toBe(404)
    await add()
    expect((await call('PATCH /books/book-1', keyed('a', { pages: 1 }))).status).toBe(200)
    for (const [request, options] of [
      ['POST /keys', keyed('b', { pin: '1234' })],
      ['POST /books', keyed('two words')],
      ['POST /books', keyed('k'.repeat(256))],
    ] as const) {
      const refused = await call(request, options)
      expect([refused.status, problems(refused)[0]?.split(' ')[0]]).toEqual([422, 'header.Idempotency-Key'])
    }
    expect((await call('POST /keys', { body: { pin: '1234' } })).body).toEqual({ secret: 'key-1234' })
    expect(server.shop.books).toHaveLength(1)
  })

  test('identifies the same request in GraphQL', async () => {
    const headers = { 'idempotency-key': 'a' }
    const add = () => graphql(server, 'mutation { addBook(book: {title: "Emma"}) { id } }', {}, { headers })
    expect((await add()).data).toEqual((await add()).data)
    expect(server.shop.books).toHaveLength(1)
  })
})
