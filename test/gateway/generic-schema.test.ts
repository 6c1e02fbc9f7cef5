import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBookshop } from '../support/bookshop.ts'
import { eventStream, graphql, type RestOptions, rest, subscribe, websocketClient } from '../support/clients.ts'
import { until } from '../support/wait.ts'

let server: Awaited<ReturnType<typeof openBookshop>>

beforeAll(async () => {
  server = await openBookshop()
})
afterAll(() => server?.close())

const call = (request: string, options: RestOptions = {}) => rest(server, request, options)
const addBook = async (body: object = {}) => (await call('POST /books', { body: { title: 'Emma', ...body } })).body

describe('the gateway serves an unrelated schema', () => {
  test('POST creates, and returns Location, ETag and the defaults of the schema', async () => {
    const created = await call('POST /books', { body: { title: 'Emma' } })
    expect(created.status, created.text).toBe(201)
    expect(created.headers.get('location')).toBe(`/api/v1/books/${created.body.id}`)
    expect(created.headers.get('etag')).toMatch(/^"v1\./)
    expect(created.body).toEqual({ id: created.body.id, title: 'Emma', pages: 100, genre: 'FICTION', version: 1 })
  })

  test('GET reads at a path of SOFA’s convention, and embeds relations only on request', async () => {
    const { id } = await addBook()
    const read = await call(`GET /book/${id}`)
    expect(read.status, read.text).toBe(200)
    expect(read.body).toEqual({ id, title: 'Emma', pages: 100, genre: 'FICTION', version: 1 })
    expect((await call(`GET /book/${id}?include=author&fields=title`)).body).toEqual({
      title: 'Emma',
      author: { id: 'ann', name: 'Ann Author' },
    })
    expect((await call('GET /book/nothing')).body).toMatchObject({
      code: 'NOT_FOUND',
      errors: [{ path: ['path', 'id'] }],
    })
  })

  test('GET lists with filters, pages, links and a count', async () => {
    const shop = await openBookshop()
    try {
      for (const pages of [50, 150, 250, 350]) shop.shop.add({ title: 'Emma', pages, genre: 'POETRY' })
      const first = await rest(shop, 'GET /books?pages.gte=100&genre=POETRY&genre=TRAVEL&limit=2&include=totalCount')
      expect(first.body, first.text).toMatchObject({ nodes: [{ pages: 150 }, { pages: 250 }], totalCount: 3 })
      const next = first.headers.get('link')!.match(/<\/api\/v1([^>]*)>; rel="next"/)?.[1]
      expect((await rest(shop, `GET ${next}`)).body.nodes).toMatchObject([{ pages: 350 }])
      const bad = await rest(shop, 'GET /books?pages.gte=x&genre=PROSE&colour=red')
      expect(bad.body.errors.map((issue: { path: string[] }) => issue.path.join('.')).sort()).toEqual([
        'query.colour',
        'query.genre',
        'query.pages.gte',
      ])
    } finally {
      await shop.close()
    }
  })

  test('a filter can be JSON, for conditions that parameters cannot express, and combines with other parameters', async () => {
    const shop = await openBookshop()
    try {
      for (const pages of [50, 150, 250]) shop.shop.add({ title: 'Emma', pages, genre: 'POETRY' })
      shop.shop.add({ title: 'Ithaca', pages: 150, genre: 'TRAVEL' })
      const ask = (query: Record<string, string>) => rest(shop, `GET /books?${new URLSearchParams(query)}`)
      const pagesOf = async (query: Record<string, string>) =>
        (await ask(query)).body.nodes.map((book: { pages: number }) => book.pages)
      expect(await pagesOf({ filter: '{"not":{"pages":{"gte":100}}}' })).toEqual([50])
      expect(await pagesOf({ filter: '{"not":{"pages":{"gte":200}}}', genre: 'TRAVEL' })).toEqual([150])
      for (const [filter, place] of [
        ['{', 'query.filter'],
        ['[]', 'query.filter'],
        ['"x"', 'query.filter'],
        ['{"not":{"genre":["PROSE"]}}', 'query.filter.not.genre.0'],
        ['{"not":{"colour":1}}', 'query.filter.not.colour'],
        ['{"pages":{"gte":1}}', 'query.pages.gte'],
      ] as const) {
        const refused = await ask({ filter, 'pages.gte': '1' })
        const places = refused.body.errors?.map((issue: { path: string[] }) => issue.path.join('.'))
        expect({ status: refused.status, places }, refused.text).toEqual({ status: 422, places: [place] })
      }
      expect((await rest(shop, 'GET /books?filter={}&filter={}')).status).toBe(422)
      const deep = `${'{"not":'.repeat(100)}{}${'}'.repeat(100)}`
      expect((await ask({ filter: deep })).body.errors).toMatchObject([{ path: ['query', 'filter'], code: 'too_deep' }])
    } finally {
      await shop.close()
    }
  })

  test('a value without an operator means any of the values, and a list shows its remark if it has one', async () => {
    expect((await call('GET /books?label=old&label=red')).body.note).toBe('labels are worn off: old,red')
    expect(Object.keys((await call('GET /books')).body)).toEqual(['nodes', 'pageInfo'])
  })

  test('an alias of an operation fills fields of its input from the path', async () => {
    const added = await call('POST /genres/TRAVEL/books', { body: { title: 'Ithaca' } })
    expect(added.status, added.text).toBe(201)
    expect(added.body).toMatchObject({ title: 'Ithaca', genre: 'TRAVEL' })
    expect((await call('GET /genres/TRAVEL/books')).body.nodes).toContainEqual(added.body)
    expect((await call('GET /genres/TRAVEL/books?genre=POETRY')).body.errors).toMatchObject([
      { path: ['query', 'genre'], code: 'unknown_parameter' },
    ])
    expect(
      (await call('POST /genres/TRAVEL/books', { body: { title: 'A', genre: 'POETRY' } })).body.errors,
    ).toMatchObject([{ path: ['body', 'genre'], code: 'contradiction' }])
    expect((await call('POST /genres/PROSE/books', { body: { title: 'A' } })).status).toBe(422)
    expect((await call('DELETE /genres/TRAVEL/books')).headers.get('allow')).toBe('GET, POST, HEAD, OPTIONS')
  })

  test('arguments may be the fields of a body', async () => {
    const { id } = await addBook()
    const shelved = await call(`POST /books/${id}/shelve`, { body: { genre: 'TRAVEL', pages: 7 } })
    expect(shelved.body, shelved.text).toMatchObject({ id, genre: 'TRAVEL', pages: 7 })
    const refused = await call(`POST /books/${id}/shelve?genre=TRAVEL`, { body: { pages: 'x', colour: 'red' } })
    expect(refused.body.errors.map((issue: { path: string[] }) => issue.path.join('.')).sort()).toEqual([
      'body.colour',
      'body.genre',
      'body.pages',
      'query.genre',
    ])
  })

  test('only a bulk operation accepts a large body', async () => {
    const books = (count: number) => Array.from({ length: count }, () => ({ title: 'Emma, by Jane Austen' }))
    expect((await call('POST /deliveries', { token: 'ann', body: { books: books(500) } })).body).toEqual({ books: 500 })
    expect((await call('POST /deliveries', { token: 'ann', body: { books: books(2_000) } })).status).toBe(413)
    expect((await call('POST /deliveries', { body: { books: books(500) } })).status, 'of nobody').toBe(413)
    expect((await call('POST /books', { body: { title: 'E'.repeat(11_000) } })).status).toBe(413)
  })

  test('at most a hundred problems are reported', async () => {
    const { status, body } = await call('POST /deliveries', {
      body: { books: Array.from({ length: 2_000 }, () => ({})) },
    })
    expect({ status, reported: body.errors.length }).toEqual({ status: 422, reported: 100 })
  })

  test('values that are nested too deeply are refused before they are traversed', async () => {
    const filter = Array.from({ length: 1_000 }).reduce<object>((inner) => ({ not: inner }), {})
    const asVariable = await graphql(
      server,
      'query ($filter: BookFilter) { books(filter: $filter) { nodes { id } } }',
      {
        filter,
      },
    )
    expect(asVariable.errors?.[0]?.extensions).toMatchObject({
      code: 'VALIDATION_FAILED',
      issues: [{ path: ['filter'] }],
    })
    const written = `{ books(filter: ${'{not: '.repeat(1_000)}{}${'}'.repeat(1_000)}) { nodes { id } } }`
    expect((await graphql(server, written)).errors?.[0]?.extensions.code).toBe('BAD_REQUEST')
  })

  test('PATCH updates under If-Match, and DELETE deletes', async () => {
    const { id } = await addBook()
    const stale = { body: { pages: 7 }, headers: { 'if-match': '"v9.x"' } }
    expect((await call(`PATCH /books/${id}`, stale)).status).toBe(412)
    const changed = await call(`PATCH /books/${id}`, { body: { pages: 7 }, headers: { 'if-match': '"v1.x"' } })
    expect(changed.body, changed.text).toMatchObject({ title: 'Emma', pages: 7, version: 2 })
    expect((await call(`DELETE /books/${id}`)).status).toBe(204)
    expect((await call(`DELETE /books/${id}`)).status).toBe(404)
  })

  test('a POST may have no body, and a scalar answer is wrapped under its key', async () => {
    const stock = await call('POST /take-stock')
    expect({ status: stock.status, body: stock.body }, stock.text).toEqual({
      status: 200,
      body: { books: expect.any(Number) },
    })
    expect((await call('GET /name')).body).toEqual({ name: 'Ann’s, rest' })
  })

  test('a GraphQL-only operation has no path, and its failure is masked', async () => {
    expect((await call('GET /till')).status).toBe(404)
    const answer = await graphql(server, '{ till }')
    expect(answer.errors?.[0]?.extensions.code).toBe('INTERNAL')
    expect(JSON.stringify(answer)).not.toContain('1234.56')
    expect(server.log.lines.at(-1)?.details).toMatchObject({
      err: expect.objectContaining({ message: expect.stringContaining('1234.56') }),
    })
  })

  test('GraphQL and REST are the same operations', async () => {
    const add = 'mutation ($book: NewBook!) { addBook(book: $book) { id title pages genre version } }'
    const { data } = await graphql(server, add, { book: { title: 'Persuasion' } })
    expect((await call(`GET /book/${data.addBook.id}`)).body).toEqual(data.addBook)
    const refused = await graphql(server, add, { book: { title: 5, colour: 'red' } })
    expect(refused.errors?.[0]?.extensions.issues?.map((issue) => issue.path)).toEqual([
      ['book', 'title'],
      ['book', 'colour'],
    ])
  })

  test('openapi.json describes each of them', async () => {
    const { body } = await call('GET /openapi.json')
    const operations = Object.entries<Record<string, { 'x-graphql-operation': { field: string } }>>(body.paths).flatMap(
      ([path, methods]) =>
        Object.entries(methods).map(
          ([method, operation]) => `${method} ${path} ${operation['x-graphql-operation'].field}`,
        ),
    )
    expect(operations.sort()).toEqual([
      'delete /books/{id} Mutation.removeBook',
      'get /book/{id} Query.book',
      'get /books Query.books',
      'get /books/removals Subscription.bookRemoved',
      'get /books/stream Subscription.bookAdded',
      'get /books/{id}/text Query.bookText',
      'get /catalogue Query.catalogue',
      'get /genres/{shelf}/books Query.books',
      'get /name Query.shopName',
      'get /shelves/{shelf}/books Query.books',
      'get /titles/{title} Query.titled',
      'patch /books/{id} Mutation.changeBook',
      'post /books Mutation.addBook',
      'post /books/{id}/shelve Mutation.shelveBook',
      'post /deliveries Mutation.addBooks',
      'post /genres/{shelf}/books Mutation.addBook',
      'post /keys Mutation.cutKey',
      'post /take-stock Mutation.takeStock',
      'put /books/{id} Mutation.replaceBook',
    ])
    expect(body.info.title).toBe('Bookshop')
    expect(body.components.schemas.NewBook).toMatchObject({ required: ['title'], additionalProperties: false })
  })
})

describe('a stream of that schema', () => {
  const SUBSCRIPTION = 'subscription { bookAdded { title author { name } } }'
  const idle = () => until('all streams are freed', () => server.shop.readers.size === 0)

  test('is served as Server-Sent Events, filtered by its arguments, with `id:` and `event:` as declared', async () => {
    const { inbox, response, cut } = await eventStream(server, '/books/stream?genre=TRAVEL')
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    await addBook()
    const { id } = await addBook({ genre: 'TRAVEL' })
    expect(await inbox.next()).toEqual({ id, event: 'TRAVEL', data: expect.objectContaining({ id, title: 'Emma' }) })
    cut()
    await idle()
  })

  test('is freed as soon as its client disconnects, even without an event: SSE, GraphQL over SSE, websocket', async () => {
    const sse = await eventStream(server, '/books/stream')
    const abort = new AbortController()
    await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: SUBSCRIPTION }),
      signal: abort.signal,
    })
    const client = websocketClient(server)
    const [kept, dropped] = [subscribe(client, SUBSCRIPTION), subscribe(client, SUBSCRIPTION)]
    const open = (count: number) => until(`${count} streams are open`, () => server.shop.readers.size === count)
    await open(4)
    dropped.stop()
    await open(3)
    sse.cut()
    await open(2)
    abort.abort()
    await open(1)
    await addBook({ title: 'Sanditon' })
    expect((await kept.inbox.next()).data.bookAdded).toEqual({ title: 'Sanditon', author: { name: 'Ann Author' } })
    client.terminate()
    await idle()
  })

  test('answers HEAD with its headers without opening a stream', async () => {
    const answer = await call('HEAD /books/stream')
    expect({ status: answer.status, type: answer.headers.get('content-type') }).toMatchObject({
      status: 200,
      type: expect.stringMatching(/^text\/event-stream/),
    })
    await idle()
  })

  test('rejects other media types and invalid arguments', async () => {
    expect((await call('GET /books/stream', { headers: { accept: 'application/json' } })).status).toBe(406)
    const refused = await eventStream(server, '/books/stream?genre=PROSE')
    expect(refused.response.status).toBe(422)
    await idle()
  })
})
