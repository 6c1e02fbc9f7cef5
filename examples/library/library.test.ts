import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { eventStream, graphql, type RestOptions, rest } from '../../test/support/clients.ts'
import { openExample } from '../open-example.ts'
import { createLibrary } from './library.ts'

let folder = ''
const server = openExample(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tw-library-'))
  return createLibrary({ folder, token: 'the token' })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const call = (request: string, options: RestOptions = {}) => rest(server, request, options)
const VALUES = { title: 'Emma', author: 'Jane Austen', year: 1815, genre: 'FICTION', summary: 'Matchmaking.' }
const create = async (values: object = {}) => (await call('POST /books', { body: { ...VALUES, ...values } })).body
const places = ({ body }: { body: { errors?: { path: string[] }[] } }) => body.errors?.map(({ path }) => path.join('.'))

describe('books', () => {
  test('PUT replaces a book, PATCH changes some of its fields', async () => {
    const { id } = await create()
    const { summary: _, ...whole } = VALUES
    const patched = await call(`PATCH /books/${id}`, { body: { year: 1816 } })
    expect(patched.body, patched.text).toMatchObject({ ...VALUES, year: 1816, version: 2 })
    expect((await call(`PATCH /books/${id}`, { body: { summary: null } })).body.summary).toBeNull()
    expect(places(await call(`PATCH /books/${id}`, { body: { title: null } }))).toEqual(['body.title'])
    await call(`PATCH /books/${id}`, { body: { summary: 'Again.' } })
    expect((await call(`PUT /books/${id}`, { body: whole })).body).toMatchObject({ year: 1815, summary: null })
    expect(places(await call(`PUT /books/${id}`, { body: { title: 'Emma' } }))).toEqual([
      'body.author',
      'body.year',
      'body.genre',
    ])
  })

  test('are changed and deleted only in the version that the client has seen', async () => {
    const { id } = await create()
    const headers = { 'if-match': (await call(`GET /books/${id}`)).headers.get('etag') ?? '' }
    expect((await call(`PATCH /books/${id}`, { body: { year: 1816 }, headers })).status).toBe(200)
    expect((await call(`PATCH /books/${id}`, { body: { year: 1817 }, headers })).status).toBe(412)
    expect((await call(`DELETE /books/${id}`, { headers })).status).toBe(412)
    expect((await call(`DELETE /books/${id}`)).status).toBe(204)
  })

  test('are found by query parameters, sorted, in pages', async () => {
    const author = `Author ${randomBytes(4).toString('hex')}`
    for (const [title, year, genre] of [
      ['B', 1900, 'POETRY'],
      ['A', 1950, 'HISTORY'],
      ['C', 2000, 'POETRY'],
      ['D', 1900, 'SCIENCE'],
    ] as const)
      await create({ title, year, genre, author })
    const titles = async (query: string) => {
      const { body, text } = await call(`GET /books?author=${encodeURIComponent(author)}&${query}`)
      expect(body.nodes, text).toBeDefined()
      return body.nodes.map(({ title }: { title: string }) => title).join('')
    }
    expect(await titles('sort=title')).toBe('ABCD')
    expect(await titles('sort=year:desc&sort=title:desc')).toBe('CADB')
    expect(await titles('year.gte=1950&sort=title')).toBe('AC')
    expect(await titles('genre=POETRY&genre=SCIENCE&sort=title')).toBe('BCD')
    expect(await titles('sort=title&offset=1&limit=2')).toBe('BC')
    const first = await call(`GET /books?author=${encodeURIComponent(author)}&sort=title&limit=2&include=totalCount`)
    expect(first.body.totalCount).toBe(4)
    expect(await titles(`sort=title&after=${first.body.pageInfo.endCursor}`)).toBe('CD')
    expect(places(await call('GET /books?limit=0&year.gte=x&genre=PROSE&sort=pages'))?.sort()).toEqual([
      'query.genre',
      'query.sort',
      'query.year.gte',
    ])
  })

  test('have limits and examples in the documentation, which the server enforces', async () => {
    const { BookInput } = (await call('GET /openapi.json')).body.components.schemas
    expect(BookInput.properties).toMatchObject({
      title: { minLength: 1, maxLength: 200, examples: ['The Time Machine'] },
      year: { minimum: -3000, maximum: 2100, examples: [1895] },
    })
    const invalid = { ...VALUES, title: '', author: 'A'.repeat(101), year: 3000 }
    expect(places(await call('POST /books', { body: invalid }))).toEqual(['body.title', 'body.author', 'body.year'])
    expect((await call('POST /books', { body: { ...VALUES, title: 'T'.repeat(200), year: 2100 } })).status).toBe(201)
  })

  test('are the same in GraphQL', async () => {
    const { id } = await create({ title: 'Persuasion' })
    const change = 'mutation ($id: ID!) { changeBook(id: $id, change: { year: 1817 }) { title year version } }'
    expect((await graphql(server, change, { id })).data.changeBook).toEqual({
      title: 'Persuasion',
      year: 1817,
      version: 2,
    })
    const list = '{ books(sort: [{ field: YEAR, direction: DESC }], first: 1) { nodes { year } totalCount } }'
    expect((await graphql(server, list)).data.books.nodes).toHaveLength(1)
  })

  test('are followed as they change', async () => {
    const { inbox } = await eventStream(server, '/books/stream')
    const { id } = await create({ title: 'Sanditon' })
    await call(`DELETE /books/${id}`)
    expect(await inbox.next()).toMatchObject({ event: 'book.added', data: { bookId: id, title: 'Sanditon' } })
    expect(await inbox.next()).toMatchObject({ event: 'book.deleted', data: { bookId: id } })
  })
})

describe('files', () => {
  const bytes = (size: number) => new Uint8Array(randomBytes(size))
  const upload = (method: string, path: string, body: FormData, headers = {}) =>
    fetch(`${server.url}${path}`, { method, headers, body })
  const form = (...entries: [string, string | Blob, string?][]) => {
    const data = new FormData()
    for (const [name, value, filename] of entries)
      if (typeof value === 'string') data.append(name, value)
      else data.append(name, value, filename)
    return data
  }
  const png = (size: number) => new Blob([bytes(size)], { type: 'image/png' })
  const stored = async () => (await readdir(folder)).length

  test('a cover is uploaded as a form or as bytes, and read whole or in part', async () => {
    const { id } = await create()
    const before = await stored()
    const cover = png(300_000)
    const sent = await upload('PUT', `/api/v1/books/${id}/cover`, form(['file', cover, 'emma.png']))
    expect(sent.status, await sent.clone().text()).toBe(200)
    expect(await sent.json()).toMatchObject({ id, coverName: 'emma.png' })
    const whole = await fetch(`${server.url}/api/v1/books/${id}/cover`)
    expect(whole.headers.get('content-type')).toBe('image/png')
    expect(Buffer.from(await whole.arrayBuffer()).equals(Buffer.from(await cover.arrayBuffer()))).toBe(true)
    const part = await fetch(`${server.url}/api/v1/books/${id}/cover`, { headers: { range: 'bytes=10-19' } })
    expect({ status: part.status, size: (await part.arrayBuffer()).byteLength }).toEqual({ status: 206, size: 10 })
    const headers = { 'content-type': 'image/webp' }
    expect((await call(`PUT /books/${id}/cover`, { raw: bytes(10), headers })).status).toBe(200)
    // The first cover is deleted.
    expect(await stored()).toBe(before + 1)
    expect((await call(`PUT /books/${id}/cover`, { raw: bytes(10_485_761), headers })).status).toBe(413)
    expect(await stored()).toBe(before + 1)
    expect((await fetch(`${server.url}/api/v1/books/${(await create()).id}/cover`)).status).toBe(404)
  })

  test('several pictures are uploaded with a caption, all of them or none', async () => {
    const { id } = await create()
    const before = await stored()
    const path = `/api/v1/books/${id}/pictures`
    const sent = await upload(
      'POST',
      path,
      form(['caption', 'The first edition'], ['files', png(70_000), 'one.png'], ['files', png(5), 'two.png']),
    )
    expect(sent.status, await sent.clone().text()).toBe(201)
    expect(await sent.json()).toEqual({
      caption: 'The first edition',
      files: [
        { filename: 'one.png', size: 70_000 },
        { filename: 'two.png', size: 5 },
      ],
    })
    expect((await call(`GET /books/${id}?include=pictures`)).body.pictures).toMatchObject([
      { filename: 'one.png', caption: 'The first edition' },
      { filename: 'two.png' },
    ])
    const refused = async (...entries: Parameters<typeof form>) => {
      const response = await upload('POST', path, form(...entries))
      return `${response.status} ${places({ body: (await response.json()) as never })}`
    }
    expect(await refused(['files', png(5), 'one.png'])).toBe('422 body.caption')
    expect(await refused(['caption', 'No files'])).toBe('422 body.files')
    expect(await refused(['caption', 'x'], ['files', png(5), 'one.png'], ['colour', 'red'])).toBe('422 body.colour')
    expect(await stored()).toBe(before + 2)
    const elsewhere = await upload('POST', '/api/v1/books/7/pictures', form(['caption', 'x']))
    expect(elsewhere.status).toBe(404)
  })

  test('a cover is uploaded through GraphQL by the librarian', async () => {
    const { id } = await create()
    const query = 'mutation ($id: ID!, $file: Upload!) { setCover(id: $id, file: $file) { coverName } }'
    const request = () =>
      form(
        ['operations', JSON.stringify({ query, variables: { id, file: null } })],
        ['map', '{"0": ["variables.file"]}'],
        ['0', png(10), 'emma.png'],
      )
    const sent = await upload('POST', '/graphql', request(), { authorization: 'Bearer the token' })
    expect(await sent.json()).toEqual({ data: { setCover: { coverName: 'emma.png' } } })
    expect((await upload('POST', '/graphql', request())).status).toBe(401)
  })

  test('static files are served by name, and nothing else', async () => {
    const get = (path: string) => fetch(`${server.url}${path}`)
    expect((await get('/static')).headers.get('content-type')).toBe('text/html; charset=utf-8')
    const style = await get('/static/library.css')
    expect(await style.text()).toContain('max-width')
    const headers = { 'if-none-match': style.headers.get('etag') ?? '' }
    expect((await fetch(`${server.url}/static/library.css`, { headers })).status).toBe(304)
    for (const path of ['/static/../library.ts', '/static/%2e%2e/library.ts', '/static/missing.css'])
      expect((await get(path)).status, path).toBe(404)
  })
})

test('an upload is described by its digest, in both protocols', async () => {
  const { id } = await create()
  const data = new FormData()
  data.append('caption', 'x')
  data.append('files', new Blob(['hello']), 'hello.txt')
  await fetch(`${server.url}/api/v1/books/${id}/pictures`, { method: 'POST', body: data })
  const { data: answer } = await graphql(server, `{ book(id: "${id}") { pictures { sha256 size } } }`)
  const sha256 = createHash('sha256').update('hello').digest('hex')
  expect(answer.book.pictures).toEqual([{ sha256, size: 5 }])
})
