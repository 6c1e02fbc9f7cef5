import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readTrustedDocuments } from '../../src/app/trusted-documents.ts'
import { readConfig } from '../../src/config.ts'
import { createEngine } from '../../src/gateway/engine.ts'
import { createPrepareRequest } from '../../src/gateway/graphql/documents.ts'
import { bookshopSchema } from '../support/bookshop-schema.ts'
import { Shop } from '../support/bookshop-stock.ts'
import { rest } from '../support/clients.ts'
import { freshServerForTest, sharedServer, signUp, type TestServer } from '../support/server.ts'
import { openMessages } from '../support/sockets.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
})
afterEach(() => {
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const persisted = (hash: string) => ({ persistedQuery: { version: 1, sha256Hash: hash } })
/** A document that no other test has sent. */
const fresh = () => `{ __typename } # ${crypto.randomUUID()}`

interface Sent {
  query?: string | null
  variables?: object
  extensions?: object
  documentId?: unknown
}
// biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
type Answer = { status: number; body: any }
type Door = (at: TestServer, sent: Sent) => Promise<Answer>

/** Each way to send an operation. A websocket has no status. */
const doors: Record<string, Door> = {
  async POST(at, sent) {
    const response = await fetch(`${at.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(sent),
    })
    return { status: response.status, body: await response.json() }
  },
  async GET(at, { query, variables, extensions, documentId }) {
    const parameters = new URLSearchParams({
      ...(query != null && { query }),
      ...(variables && { variables: JSON.stringify(variables) }),
      ...(extensions && { extensions: JSON.stringify(extensions) }),
      ...(documentId !== undefined && { documentId: String(documentId) }),
    })
    const headers = { accept: 'application/json', authorization: `Bearer ${token}` }
    const response = await fetch(`${at.url}/graphql?${parameters}`, { headers })
    return { status: response.status, body: await response.json() }
  },
  async SSE(at, sent) {
    const response = await fetch(`${at.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify(sent),
    })
    const text = await response.text()
    return { status: response.status, body: JSON.parse(/^(?:event: next\ndata: )?(\{.*\})$/m.exec(text)?.[1] ?? text) }
  },
  async websocket(at, sent) {
    const { send, inbox } = await openMessages(at, { authorization: `Bearer ${token}` })
    send({ id: '1', type: 'subscribe', payload: sent })
    const { type, payload } = await inbox.next()
    return { status: 0, body: type === 'error' ? { errors: payload } : payload }
  },
}
const DOORS = Object.entries(doors)

describe.each(DOORS)('automatic persisted queries over %s', (name, ask) => {
  test('are asked for once, and then run by their hash', async () => {
    const query = `query ($n: Int) { tasks(first: $n) { totalCount } } # ${name} ${crypto.randomUUID()}`
    const variables = { n: 1 }
    const extensions = persisted(sha256(query))
    const first = await ask(server, { variables, extensions })
    // The message is the contract with Apollo's clients, and a status of 200.
    expect(first.body.errors).toMatchObject([
      { message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } },
    ])
    if (name !== 'websocket') expect(first.status).toBe(200)
    expect(first.body.data).toBeUndefined()
    const data = { tasks: { totalCount: 0 } }
    expect((await ask(server, { query, variables, extensions })).body).toEqual({ data })
    for (const hash of [sha256(query), sha256(query).toUpperCase()])
      expect((await ask(server, { variables, extensions: persisted(hash) })).body).toEqual({ data })
    // An empty text is what clients of graphql-ws send.
    expect((await ask(server, { query: '', variables, extensions })).body).toEqual({ data })
    for (const documentId of [sha256(query), `sha256:${sha256(query)}`])
      expect((await ask(server, { variables, documentId })).body).toEqual({ data })
  })

  test('with the hash of another text are refused, and not kept', async () => {
    const hash = sha256(fresh())
    expect((await ask(server, { query: fresh(), extensions: persisted(hash) })).body.errors).toMatchObject([
      { extensions: { code: 'BAD_REQUEST' } },
    ])
    expect((await ask(server, { extensions: persisted(hash) })).body.errors[0].message).toBe('PersistedQueryNotFound')
  })

  test('that are not valid are refused, and not kept', async () => {
    const query = `{ colour } # ${crypto.randomUUID()}`
    const extensions = persisted(sha256(query))
    expect((await ask(server, { query, extensions })).body.errors[0].extensions.code).toBe('BAD_REQUEST')
    expect((await ask(server, { extensions })).body.errors[0].message).toBe('PersistedQueryNotFound')
  })

  test.each([
    { persistedQuery: { version: 2, sha256Hash: sha256('x') } },
    { persistedQuery: { version: 1, sha256Hash: 'x' } },
    { persistedQuery: { version: 1 } },
    { persistedQuery: 'x' },
    { persistedQuery: [1] },
  ])('in another form are BAD_REQUEST: %o', async (extensions) => {
    expect((await ask(server, { query: fresh(), extensions })).body.errors).toMatchObject([
      { extensions: { code: 'BAD_REQUEST' } },
    ])
  })
})

test('a mutation by its hash over GET is 405, and does not run', async () => {
  const query = `mutation { createTask(input: {title: "A"}) { id } } # ${crypto.randomUUID()}`
  const extensions = persisted(sha256(query))
  const byGet = await doors.GET!(server, { query, extensions })
  expect([byGet.status, byGet.body.errors[0].extensions.code]).toEqual([405, 'METHOD_NOT_ALLOWED'])
  expect((await doors.GET!(server, { extensions })).status).toBe(405)
  expect((await rest(server, 'GET /tasks', { token })).body.nodes).toEqual([])
})

describe('the memory for persisted queries', () => {
  const engine = createEngine({ schema: bookshopSchema(new Shop()) })
  const padded = (index: number) => `{ shopName } # ${index}${'x'.repeat(1_000)}`

  test('is limited: the oldest are forgotten, and sent again', () => {
    const prepare = createPrepareRequest(engine, { trustedOnly: false, persistedBytes: 22_500 })
    for (let index = 0; index < 20; index++) prepare({ query: padded(index), hash: sha256(padded(index)) })
    expect(() => prepare({ hash: sha256(padded(0)) })).toThrow('PersistedQueryNotFound')
    expect(prepare({ hash: sha256(padded(19)) })).toHaveProperty('operation')
    expect(prepare({ hash: sha256(padded(11)) })).toHaveProperty('operation')
    expect(() => prepare({ hash: sha256(padded(9)) })).toThrow('PersistedQueryNotFound')
  })

  test('of 0 turns them off, as Apollo’s clients understand it', async () => {
    const own = await freshServerForTest({ PERSISTED_QUERIES_LIMIT: '0' })
    const query = fresh()
    const extensions = persisted(sha256(query))
    expect((await doors.POST!(own, { extensions })).body.errors).toMatchObject([
      { message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } },
    ])
    expect((await doors.POST!(own, { query, extensions })).body).toEqual({ data: { __typename: 'Query' } })
  })
})

/** Writes a file of TRUSTED_DOCUMENTS. */
async function trustedFile(content: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trusted-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'documents.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const KNOWN = 'query Known($n: Int) { tasks(first: $n) { totalCount } }'
const LIVE = 'subscription Live { taskEvents { type } }'

describe('OPERATIONS=trusted', () => {
  const openTrusted = async () =>
    freshServerForTest({
      OPERATIONS: 'trusted',
      TRUSTED_DOCUMENTS: await trustedFile({ [sha256(KNOWN)]: KNOWN, [sha256(LIVE)]: LIVE }),
    })

  test('runs a trusted document by its hash, on every door', async () => {
    const own = await openTrusted()
    for (const [name, ask] of DOORS) {
      const variables = { n: 1 }
      for (const sent of [
        { extensions: persisted(sha256(KNOWN)), variables },
        { documentId: `sha256:${sha256(KNOWN)}`, variables },
        { query: KNOWN, extensions: persisted(sha256(KNOWN)), variables },
      ])
        expect((await ask(own, sent)).body, name).toEqual({ data: { tasks: { totalCount: 0 } } })
    }
  })

  test('refuses everything else with FORBIDDEN, on every door, and nothing of it runs', async () => {
    const own = await openTrusted()
    const create = 'mutation { createTask(input: {title: "A"}) { id } }'
    for (const [name, ask] of DOORS) {
      for (const sent of [
        { query: KNOWN },
        { query: '{ __schema { queryType { name } } }' },
        { query: create },
        { query: create, extensions: persisted(sha256(create)) },
        { extensions: persisted(sha256(create)) },
        { documentId: sha256(create) },
        { query: '{ broken' },
        { query: '' },
      ]) {
        // A GET of a mutation, and a GET without a query, have errors of their own.
        const { status, body } = await ask(own, sent)
        expect(body.errors, `${name} ${JSON.stringify(sent)}`).toMatchObject([
          { message: expect.stringContaining('OPERATIONS=trusted'), extensions: { code: 'FORBIDDEN' } },
        ])
        if (name !== 'websocket') expect(status, name).toBe(403)
      }
    }
    expect((await rest(own, 'GET /tasks', { token })).body.nodes).toEqual([])
    expect(own.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('leaves REST as it is, and GraphiQL says that it is off', async () => {
    const own = await openTrusted()
    expect((await rest(own, 'GET /me', { token })).status).toBe(200)
    for (const path of ['/graphql', '/graphiql']) {
      const page = await fetch(`${own.url}${path}`, { headers: { accept: 'text/html' } })
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
      expect(await page.text()).toContain('OPERATIONS=trusted')
    }
  })
})

test('trusted documents can also be named if any operation may run', async () => {
  const own = await freshServerForTest({ TRUSTED_DOCUMENTS: await trustedFile({ [sha256(KNOWN)]: KNOWN }) })
  const named = await doors.GET!(own, { extensions: persisted(sha256(KNOWN)) })
  expect(named.body).toEqual({ data: { tasks: { totalCount: 0 } } })
})

describe('the configuration is refused', () => {
  test('without a file', () => {
    expect(() => readConfig({ OPERATIONS: 'trusted' })).toThrow('TRUSTED_DOCUMENTS: is required')
  })

  test.each<[string, unknown]>([
    ['not valid JSON', '{'],
    ['SHA-256', { short: '{ me { id } }' }],
    ['text of a document', { [sha256('x')]: 5 }],
    ['expected record', [KNOWN]],
  ])('if the file is wrong: %s', async (reason, content) => {
    await expect(readTrustedDocuments(await trustedFile(content))).rejects.toThrow(
      reason === 'not valid JSON' ? /TRUSTED_DOCUMENTS: .*JSON/s : new RegExp(`TRUSTED_DOCUMENTS: .*${reason}`, 's'),
    )
  })

  test('if there is no such file', async () => {
    await expect(readTrustedDocuments('/nowhere/documents.json')).rejects.toThrow(/TRUSTED_DOCUMENTS: .*ENOENT/s)
  })
})
