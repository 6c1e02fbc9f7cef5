import { beforeAll, describe, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { newTask } from '../support/factories.ts'
import { textFile } from '../support/files.ts'
import { type Person, signUpAt } from '../support/people.ts'
import { sharedServer, type TestServer } from '../support/server.ts'

const TEXT = 'abcdefghijklmnopqrstuvwxyz'

let server: TestServer
let owner: Person
let path: string
let etag: string
let modified: string

beforeAll(async () => {
  server = await sharedServer()
  owner = await signUpAt(server, 'Owner')
  const task = await newTask(owner)
  const file = textFile(TEXT, 'r\u00e9sum\u00e9 "final".html', 'text/html')
  const { body } = await rest(server, `POST /tasks/${task.id}/attachments`, { token: owner.token, body: file })
  path = `/attachments/${body.id}/content`
  const { headers } = await get()
  etag = headers.get('etag')!
  modified = headers.get('last-modified')!
})

const get = (headers: Record<string, string> = {}, method = 'GET') =>
  rest(server, `${method} ${path}`, { token: owner.token, headers })

test('is sent so that a browser saves it and runs nothing', async () => {
  const { headers, text } = await get({ accept: 'application/json' })
  expect(text).toBe(TEXT)
  expect(headers.get('content-disposition')).toBe(
    `attachment; filename="r?sum? \\"final\\".html"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%22final%22.html`,
  )
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toContain('sandbox')
  expect(headers.get('content-length')).toBe('26')
  expect(headers.get('cache-control')).toBe('private, no-cache')
})

test('answers HEAD with the same headers', async () => {
  const [whole, head] = [await get(), await get({}, 'HEAD')]
  expect(head.text).toBe('')
  for (const name of ['content-length', 'content-type', 'content-disposition', 'etag', 'accept-ranges'])
    expect(head.headers.get(name), name).toBe(whole.headers.get(name))
  const part = await get({ range: 'bytes=0-3' }, 'HEAD')
  expect([part.status, part.headers.get('content-length')]).toEqual([206, '4'])
})

test.each([
  ['bytes=0-3', 'abcd', 'bytes 0-3/26'],
  ['bytes=20-', 'uvwxyz', 'bytes 20-25/26'],
  ['bytes=-2', 'yz', 'bytes 24-25/26'],
  ['bytes=20-999', 'uvwxyz', 'bytes 20-25/26'],
  ['bytes=-999', TEXT, 'bytes 0-25/26'],
  ['bytes=0-3,4-5', 'abcdef', 'bytes 0-5/26'],
])('answers the range %s with a part', async (range, expected, contentRange) => {
  const { status, text, headers } = await get({ range })
  expect([status, text, headers.get('content-range')]).toEqual([206, expected, contentRange])
  expect(headers.get('content-length')).toBe(String(expected.length))
})

test.each(['bytes=26-', 'bytes=0-3,7-9', 'bytes=5-2', 'bytes=', 'bytes=a-b', 'bytes=-0'])(
  'refuses the range %s with 416 and the size',
  async (range) => {
    const { status, body, headers } = await get({ range })
    expect([status, body.code]).toEqual([416, 'RANGE_NOT_SATISFIABLE'])
    expect(headers.get('content-range')).toBe('bytes */26')
  },
)

test('ignores a range in another unit', async () => {
  const { status, text } = await get({ range: 'lines=1-2' })
  expect([status, text]).toEqual([200, TEXT])
})

test('sends a range only of the bytes that If-Range names', async () => {
  const range = 'bytes=0-3'
  const statuses = async (...values: string[]) =>
    Promise.all(values.map(async (value) => (await get({ range, 'if-range': value })).status))
  expect(await statuses(etag, modified)).toEqual([206, 206])
  expect(await statuses('"another"', `W/${etag}`, 'Fri, 01 Jan 2010 00:00:00 GMT', 'nonsense')).toEqual([
    200, 200, 200, 200,
  ])
})

test('answers 304 to a client that has it', async () => {
  for (const known of [etag, `"other", ${etag}`, '*']) {
    const { status, text } = await get({ 'if-none-match': known, range: 'bytes=900-' })
    expect([status, text], known).toEqual([304, ''])
  }
})

test('refuses parameters, whoever asks for it and another method', async () => {
  expect((await rest(server, `GET ${path}?inline=true`, owner)).status).toBe(422)
  expect((await rest(server, `GET ${path}`)).status).toBe(401)
  expect((await rest(server, `GET ${path}`, await signUpAt(server, 'Stranger'))).status).toBe(404)
  expect((await rest(server, 'GET /attachments/no-id/content', owner)).status).toBe(404)
  const { status, headers } = await rest(server, `POST ${path}`, { token: owner.token, body: {} })
  expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
})

describe('a key', () => {
  test.each([
    ['tasks:read', 200],
    ['tasks:write', 403],
  ])('with the scope %s gets %i', async (scope, status) => {
    const { body } = await rest(server, 'POST /api-keys', {
      token: owner.token,
      body: { name: 'A key', scopes: [scope] },
    })
    expect((await rest(server, `GET ${path}`, { headers: { 'x-api-key': body.secret } })).status).toBe(status)
  })
})
