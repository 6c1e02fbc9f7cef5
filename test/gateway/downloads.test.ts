import { request } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ENDING, openBookshop } from '../support/bookshop.ts'
import { graphql, rest } from '../support/clients.ts'
import { until } from '../support/wait.ts'

let shop: Awaited<ReturnType<typeof openBookshop>>

beforeAll(async () => {
  shop = await openBookshop()
})
afterAll(() => shop?.close())
beforeEach(() => {
  shop.shop.books = []
  for (const title of ['Ulysses', 'Emma']) shop.shop.add({ title, pages: 2, genre: 'FICTION' })
  shop.shop.add({ title: 'Duino', pages: 1, genre: 'POETRY' })
})

test('a download is sent as bytes with a name, and takes the arguments of its field', async () => {
  const whole = await rest(shop, 'GET /catalogue')
  expect(whole.text).toBe('Ulysses\nUlysses\nEmma\nEmma\nDuino\n')
  expect(whole.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(whole.headers.get('content-disposition')).toBe(
    `attachment; filename="B?che\\"r.txt"; filename*=UTF-8''B%C3%BCche%22r.txt`,
  )
  const some = await rest(shop, 'GET /catalogue?filter.genre=x&genre=POETRY')
  expect(some.body.errors[0]).toMatchObject({ path: ['query', 'filter.genre'], code: 'unknown_parameter' })
  expect((await rest(shop, 'GET /catalogue?genre=POETRY&pages.lte=1')).text).toBe('Duino\n')
  expect((await rest(shop, 'GET /catalogue?fields=url')).body.errors[0].path).toEqual(['query', 'fields'])
  const head = await rest(shop, 'HEAD /catalogue')
  expect([head.status, head.text, head.headers.get('content-type')]).toEqual([200, '', 'text/plain; charset=utf-8'])
  expect((await rest(shop, 'GET /catalogue', { headers: { accept: 'text/html' } })).status).toBe(406)
})

test('GraphQL answers with the URL of the same bytes', async () => {
  const query = `query ($filter: BookFilter, $orderBy: [BookOrder!]) {
    catalogue(filter: $filter, orderBy: $orderBy, genre: [FICTION, POETRY]) { url filename contentType size } }`
  const { data, errors } = await graphql(shop, query, {
    filter: { not: { pages: { gte: 2 } } },
    orderBy: [{ field: 'TITLE', direction: 'DESC' }],
  })
  expect(errors).toBeUndefined()
  const { url, ...others } = data.catalogue
  expect(others).toEqual({ filename: 'Büche"r.txt', contentType: 'text/plain; charset=utf-8', size: null })
  expect(await (await fetch(`${shop.url}${url}`)).text()).toBe('Duino\n')
  const text = await graphql(shop, '{ bookText(id: "book-2") { url size } }')
  expect(text.data.bookText).toEqual({ url: '/api/v1/books/book-2/text', size: 4 })
})

test('a file of a known size says so', async () => {
  const whole = await rest(shop, 'GET /books/book-1/text', { headers: { range: 'bytes=3-' } })
  expect([whole.status, whole.text, whole.headers.get('content-length')]).toEqual([200, 'Ulysses', '7'])
  expect((await rest(shop, 'GET /books/none/text')).status).toBe(404)
})

test('a failure before the first byte is an error, and a later one cuts the connection', async () => {
  shop.shop.books = []
  shop.shop.add({ title: 'torn', pages: 1, genre: 'FICTION' })
  const early = await rest(shop, 'GET /catalogue')
  expect([early.status, early.body.code]).toEqual([503, 'UNAVAILABLE'])
  shop.shop.books.unshift({ id: 'first', title: 'Emma', pages: 1, genre: 'FICTION', version: 1 })
  await expect(rest(shop, 'GET /catalogue')).rejects.toThrow()
  await until('nothing is read', () => shop.shop.catalogues === 0)
})

test('a download that must end before its first byte is an error, not a cut connection', async () => {
  const answer = await rest(shop, 'GET /catalogue', { headers: { authorization: ENDING } })
  expect([answer.status, answer.body.code]).toEqual([503, 'UNAVAILABLE'])
  await until('nothing is read', () => shop.shop.catalogues === 0)
})

test('a client that reads nothing holds up its own download only, and one that leaves ends it', async () => {
  shop.shop.books = []
  shop.shop.add({ title: 'x'.repeat(65_536), pages: 10_000, genre: 'FICTION' })
  const before = shop.shop.chunks
  const asking = request(`${shop.url}/api/v1/catalogue`)
  const answer = new Promise((resolve) => asking.once('response', resolve))
  asking.end()
  await answer
  let read = before
  await until('reading pauses', async () => {
    const moved = shop.shop.chunks - read
    read = shop.shop.chunks
    await new Promise((resolve) => setTimeout(resolve, 20))
    return read > before && moved === 0
  })
  expect(read - before).toBeLessThan(1_000)
  asking.destroy()
  await until('nothing is read', () => shop.shop.catalogues === 0)
})
