import { buildSchema } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEngine } from '../../src/gateway/engine.ts'
import type { Deprecation } from '../../src/gateway/rest/deprecation.ts'
import { describeRest } from '../../src/gateway/rest.ts'
import { openBookshop } from '../support/bookshop.ts'
import { bookshopSchema } from '../support/bookshop-schema.ts'
import { Shop } from '../support/bookshop-stock.ts'
import { type RestAnswer, type RestOptions, rest } from '../support/clients.ts'

let server: Awaited<ReturnType<typeof openBookshop>>

beforeAll(async () => {
  server = await openBookshop()
  for (const title of ['Emma', 'Ithaca', 'Odes']) server.shop.add({ title, pages: 100, genre: 'VERSE' })
})
afterAll(() => server?.close())

const call = (request: string, options: RestOptions = {}) => rest(server, request, options)

const day = (text: string) => Date.parse(`${text}T00:00:00Z`)

/** Returns the deprecation headers of an answer, as days. */
function deprecationOf({ headers }: RestAnswer) {
  const [, seconds] = /^@(\d+)$/.exec(headers.get('deprecation') ?? '') ?? []
  const sunset = headers.get('sunset')
  return {
    since:
      seconds === undefined ? headers.get('deprecation') : new Date(Number(seconds) * 1000).toISOString().slice(0, 10),
    sunset: sunset === null ? null : new Date(sunset).toISOString().slice(0, 10),
    more: /<([^>]*)>; rel="deprecation"/.exec(headers.get('link') ?? '')?.[1] ?? null,
  }
}

const NOTHING = { since: null, sunset: null, more: null }
const more = '/api/v1/openapi.json'

describe('an answer for something deprecated', () => {
  test('has Deprecation (RFC 9745) and Sunset (RFC 8594) in the format of their RFCs', async () => {
    const { headers } = await call('GET /titles/Emma')
    expect(headers.get('deprecation')).toBe(`@${day('2026-01-01') / 1000}`)
    expect(headers.get('sunset')).toBe('Fri, 01 Jan 2027 00:00:00 GMT')
    expect(headers.get('link')).toBe('</api/v1/openapi.json>; rel="deprecation"; type="application/json"')
  })

  test('has the headers for every status', async () => {
    const dates = { since: '2026-01-01', sunset: '2027-01-01', more }
    const known = await call('GET /titles/Emma')
    const ifNoneMatch = { 'if-none-match': known.headers.get('etag')! }
    for (const [status, answer] of [
      [200, known],
      [200, await call('HEAD /titles/Emma')],
      [304, await call('GET /titles/Emma', { headers: ifNoneMatch })],
      [404, await call('GET /titles/Nothing')],
      [406, await call('GET /titles/Emma', { headers: { accept: 'text/html' } })],
      [422, await call('GET /titles/Emma?colour=red')],
    ] as const) {
      expect({ status: answer.status, ...deprecationOf(answer) }, answer.text).toEqual({ status, ...dates })
    }
  })

  test('has no Sunset without a removal date, and a stream sends the headers before its events', async () => {
    const stream = await call('HEAD /books/removals')
    expect(deprecationOf(stream)).toEqual({ since: '2026-03-01', sunset: null, more })
    expect(deprecationOf(await call('HEAD /books/stream'))).toEqual(NOTHING)
  })

  test('has the headers at a replaced path, but not at its replacement', async () => {
    expect(deprecationOf(await call('GET /shelves/FICTION/books'))).toEqual({
      since: '2026-07-01',
      sunset: '2027-07-01',
      more,
    })
    expect(deprecationOf(await call('GET /genres/FICTION/books'))).toEqual(NOTHING)
  })
})

describe('an answer for something that is not deprecated', () => {
  test.each(['GET /books', 'GET /book/book-1', 'GET /book/book-1?fields=title&include=author', 'OPTIONS /titles/Emma'])(
    'has no such headers: %s',
    async (request) => expect(deprecationOf(await call(request))).toEqual(NOTHING),
  )

  test('has the headers if the request names a deprecated parameter, value, body field or answer field', async () => {
    for (const [request, body, expected] of [
      ['GET /books?shelf=1', undefined, { since: '2026-02-01', sunset: '2027-02-01' }],
      ['GET /books?genre=VERSE', undefined, { since: '2026-04-01', sunset: '2026-12-31' }],
      ['GET /books?filter={"not":{"genre":["VERSE"]}}', undefined, { since: '2026-04-01', sunset: '2026-12-31' }],
      ['GET /genres/VERSE/books', undefined, { since: '2026-04-01', sunset: '2026-12-31' }],
      ['GET /books?include=printer', undefined, { since: '2026-05-01', sunset: null }],
      ['GET /book/book-1?include=printer', undefined, { since: '2026-05-01', sunset: null }],
      ['POST /books', { title: 'A', price: 3 }, { since: '2026-06-01', sunset: '2027-06-01' }],
      [
        'POST /deliveries',
        { books: [{ title: 'A' }, { title: 'B', price: null }] },
        { since: '2026-06-01', sunset: '2027-06-01' },
      ],
      ['GET /books?genre=POETRY', undefined, { since: null, sunset: null }],
      ['POST /books', { title: 'A' }, { since: null, sunset: null }],
    ] as const) {
      const answer = await call(request, body === undefined ? {} : { body })
      expect(answer.status, answer.text).toBeLessThan(300)
      expect(deprecationOf(answer), request).toEqual({ ...expected, more: expected.since && more })
    }
  })

  test('has the earliest dates of several deprecations, and the pages of a list keep their links', async () => {
    const answer = await call('GET /books?genre=VERSE&include=printer&shelf=1&limit=1')
    expect(deprecationOf(answer)).toEqual({ since: '2026-02-01', sunset: '2026-12-31', more })
    expect(answer.headers.get('link')).toMatch(/rel="next"/)
  })
})

describe('the OpenAPI document', () => {
  // biome-ignore lint/suspicious/noExplicitAny: a document of any shape
  let document: any
  beforeAll(async () => {
    document = (await call('GET /openapi.json')).body
  })

  test('marks operations with the reason and the dates, and lists the headers of all their answers', () => {
    const { get } = document.paths['/titles/{title}']
    expect(get).toMatchObject({ deprecated: true, summary: 'The book of a title' })
    expect(get.description).toContain(
      'Deprecated since 2026-01-01, removed on 2027-01-01: Titles are not unique. Use books.',
    )
    for (const [status, answer] of Object.entries<{ headers: object; description: string }>(get.responses)) {
      expect(Object.keys(answer.headers), status).toEqual(expect.arrayContaining(['Deprecation', 'Sunset', 'Link']))
      expect(answer.description, status).toBeTruthy()
    }
    expect(document.paths['/books/removals'].get.deprecated).toBe(true)
    expect(document.paths['/books/removals'].get.responses[200].headers).toHaveProperty('Deprecation')
    expect(document.paths['/shelves/{shelf}/books'].get.deprecated).toBe(true)
    for (const path of ['/books', '/genres/{shelf}/books', '/book/{id}']) {
      expect(document.paths[path].get.deprecated, path).toBeUndefined()
    }
    expect(document.components.headers).toMatchObject({ Deprecation: {}, Sunset: {} })
  })

  test('marks parameters, body fields and answer fields, and names deprecated values', () => {
    const shelf = document.paths['/books'].get.parameters.find((one: { name: string }) => one.name === 'shelf')
    expect(shelf).toMatchObject({ deprecated: true, description: expect.stringContaining('removed on 2027-02-01') })
    const { NewBook, Book, Genre } = document.components.schemas
    expect(NewBook.properties.price.deprecated).toBe(true)
    expect(NewBook.properties.title.deprecated).toBeUndefined()
    expect(JSON.stringify(Book.properties.printer)).toContain('"deprecated":true')
    expect(Genre.description).toBe('`VERSE`: Deprecated since 2026-04-01, removed on 2026-12-31: It is POETRY.')
    expect(document.paths['/books'].post.responses[201].headers).toHaveProperty('Sunset')
    expect(document.paths['/take-stock'].post.responses[200].headers).not.toHaveProperty('Sunset')
  })
})

describe('a schema', () => {
  const info = { title: 'x', version: '1', description: 'x', securitySchemes: {}, security: () => [{}] }
  const describing = (schema: ReturnType<typeof buildSchema>) =>
    describeRest({ engine: createEngine({ schema }), basePath: '/api/v1', info })

  test('that deprecates something without a date is not served', async () => {
    await expect(describing(bookshopSchema(new Shop(), {}))).rejects.toThrow(
      /^Query\.titled, Query\.books\.shelf, .*Book\.printer.*NewBook\.price.*extensions\.deprecation/s,
    )
  })

  test.each<[string, Deprecation]>([
    ['a month that is none', { since: '2026-13-01' }],
    ['a day that is none', { since: '2026-02-30' }],
    ['a time', { since: '2026-01-01T00:00:00Z' }],
    ['a sunset before', { since: '2026-01-01', sunset: '2025-12-31' }],
    ['a sunset that is no day', { since: '2026-01-01', sunset: 'soon' }],
  ])('with %s is not served', async (_what, deprecation) => {
    const schema = buildSchema('type Query { old: Int @deprecated(reason: "Old.") }')
    const { old } = schema.getQueryType()!.getFields()
    old!.extensions = { rest: { key: 'old' }, deprecation }
    await expect(describing(schema)).rejects.toThrow(/^Query\.old:/)
    old!.extensions = { rest: { key: 'old' }, deprecation: { since: '2026-01-01', sunset: '2026-01-02' } }
    await expect(describing(schema)).resolves.toBeTruthy()
  })

  test('with dates on something that is not deprecated is not served', async () => {
    const schema = buildSchema('type Query { kept: Int }')
    schema.getQueryType()!.getFields().kept!.extensions = { deprecation: { since: '2026-01-01' } }
    await expect(describing(schema)).rejects.toThrow(/^Query\.kept:/)
  })
})
