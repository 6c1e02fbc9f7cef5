import { get } from 'node:http'
import { createClient, type ExecutionResult, type StreamMessage } from 'graphql-sse'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openBookshop } from '../support/bookshop.ts'
import { Inbox, subscribe, websocketClient } from '../support/clients.ts'
import { until } from '../support/wait.ts'

let server: Awaited<ReturnType<typeof openBookshop>>

beforeAll(async () => {
  server = await openBookshop()
})
afterAll(() => server?.close())

const FOLLOW = 'subscription ($genre: Genre) { bookAdded(genre: $genre) { title } }'
const SSE = 'text/event-stream'

const open = (count: number) => until(`${count} streams are open`, () => server.shop.readers.size === count)
const addBook = (title: string, genre = 'FICTION') => server.shop.add({ title, genre, pages: 1 })

/** Creates the stock client. Its connections are closed at the end of the test. */
function stockClient() {
  const client = createClient({ url: `${server.url}/graphql`, retryAttempts: 0 })
  onTestFinished(() => client.dispose())
  return client
}

function run(client: ReturnType<typeof stockClient>, query: string, variables: Record<string, unknown> = {}) {
  const inbox = new Inbox<Pick<ExecutionResult, 'data' | 'errors'>>()
  const messages: StreamMessage<false, 'next' | 'complete'>[] = []
  const stop = client.subscribe(
    { query, variables },
    { next: (result) => inbox.push(result), error: (error) => inbox.end(error), complete: () => inbox.end() },
    { message: (message) => void messages.push(message as never) },
  )
  return { inbox, messages, stop }
}

/** Sends a request like a plain HTTP client. */
async function ask(method: string, { query = FOLLOW, accept = SSE }: { query?: string; accept?: string } = {}) {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const inUrl = method !== 'POST'
  const response = await fetch(`${server.url}/graphql${inUrl ? `?query=${encodeURIComponent(query)}` : ''}`, {
    method,
    headers: { accept, ...(!inUrl && { 'content-type': 'application/json' }) },
    body: inUrl ? null : JSON.stringify({ query }),
    signal: abort.signal,
  })
  return { response, abort, type: response.headers.get('content-type') ?? '' }
}

/** Delays new subscriptions. Returns a function that lets them continue. */
function shutDoor(): () => void {
  let letIn = () => {}
  server.shop.door = new Promise((resolve) => (letIn = resolve))
  return letIn
}

async function readUntil(response: Response, wanted: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes(wanted)) break
  }
  return text
}

describe('the stock client of GraphQL over SSE', () => {
  test('follows a subscription, and disposing it frees the stream', async () => {
    const { inbox, stop } = run(stockClient(), FOLLOW, { genre: 'POETRY' })
    await open(1)
    addBook('Persuasion')
    addBook('Odes', 'POETRY')
    expect(await inbox.next()).toEqual({ data: { bookAdded: { title: 'Odes' } } })
    stop()
    await open(0)
  })

  test('follows many subscriptions independently', async () => {
    const client = stockClient()
    const all = Array.from({ length: 20 }, () => run(client, FOLLOW))
    await open(20)
    addBook('Emma')
    for (const { inbox } of all) expect(await inbox.next()).toEqual({ data: { bookAdded: { title: 'Emma' } } })
    for (const { stop } of all.slice(1)) stop()
    await open(1)
    addBook('Sanditon')
    expect(await all[0]!.inbox.next()).toEqual({ data: { bookAdded: { title: 'Sanditon' } } })
    client.dispose()
    await open(0)
  })

  test('receives complete when the source of a stream ends', async () => {
    const { inbox, messages } = run(stockClient(), FOLLOW)
    await open(1)
    for (const reader of server.shop.readers) reader.end()
    await until('it is over', () => inbox.ended !== undefined)
    expect(inbox.ended?.error).toBeUndefined()
    expect(messages.map(({ event }) => event)).toEqual(['complete'])
    await open(0)
  })

  test('runs queries and mutations, which complete after one result', async () => {
    for (const [query, data] of [
      ['{ shopName }', { shopName: expect.any(String) }],
      ['mutation { addBook(book: {title: "Lady Susan"}) { title } }', { addBook: { title: 'Lady Susan' } }],
    ] as const) {
      const { inbox, messages } = run(stockClient(), query)
      expect(await inbox.next()).toEqual({ data })
      await until('it is over', () => inbox.ended !== undefined)
      expect(inbox.ended?.error).toBeUndefined()
      expect(messages.map(({ event }) => event)).toEqual(['next', 'complete'])
    }
  })

  test('receives an invalid operation’s errors as a result', async () => {
    for (const query of ['subscription { bookAdded(genre: PROSE) { title } }', '{ nothing }', 'subscription {']) {
      const { inbox } = run(stockClient(), query)
      const answer = await inbox.next().catch((error: unknown) => error)
      expect(JSON.stringify(answer instanceof Error ? answer.message : answer), query).toMatch(/BAD_REQUEST|400/)
    }
    await open(0)
  })
})

describe('a subscription over SSE', () => {
  test.each(['GET', 'POST'])(
    'over %s is acknowledged at once and sends each event in the GraphQL over SSE format',
    async (method) => {
      const { response, type, abort } = await ask(method)
      expect([response.status, type]).toEqual([200, 'text/event-stream; charset=utf-8'])
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('x-request-id')).toBeTruthy()
      await open(1)
      addBook('Emma')
      const text = await readUntil(response, 'Emma')
      expect(text).toBe(':\n\nevent: next\ndata: {"data":{"bookAdded":{"title":"Emma"}}}\n\n')
      abort.abort()
      await open(0)
    },
  )

  test('over HEAD opens no stream, and ends', async () => {
    const { response } = await ask('HEAD')
    expect(response.status).toBe(405)
    await response.arrayBuffer()
    await open(0)
    // The connection can be used for the next request.
    expect((await ask('GET', { query: '{ shopName }', accept: 'application/json' })).response.status).toBe(200)
  })

  test.each([`application/json;q=0.5, ${SSE}`, `application/json, ${SSE};q=0.5`, `${SSE};charset=utf-8`])(
    'is sent as events if the client accepts them: %s',
    async (accept) => {
      const { response, type } = await ask('POST', { accept })
      expect([response.status, type]).toEqual([200, 'text/event-stream; charset=utf-8'])
    },
  )

  test.each(['application/json', 'multipart/mixed', 'image/png'])(
    'is not opened for a client that accepts only %s',
    async (accept) => {
      const { response } = await ask('POST', { accept })
      expect(response.status).toBe(406)
      if (accept !== 'multipart/mixed')
        expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'NOT_ACCEPTABLE' } }] })
      expect(server.shop.readers.size).toBe(0)
    },
  )

  test.each([
    'subscription { bookAdded @skip(if: true) { title } }',
    'subscription { ... @include(if: false) { bookAdded { title } } }',
    'subscription { ...Added } fragment Added on Subscription { bookAdded @include(if: false) { title } }',
  ])('cannot skip its only field: %s', async (query) => {
    const { response } = await ask('POST', { query })
    const text = await readUntil(response, 'complete')
    expect(text).toMatch(/The field of a subscription cannot have \\"@(skip|include)\\"\..*"code":"BAD_REQUEST"/)
  })

  test('that fails sends the error, then completes', async () => {
    const { response } = await ask('POST')
    await open(1)
    for (const reader of server.shop.readers) reader.end(new Error('the shop burns'))
    const text = await readUntil(response, 'complete')
    expect(text).toMatch(
      /^:\n\nevent: next\ndata: \{"errors":\[.*"code":"INTERNAL".*\]\}\n\nevent: complete\ndata:\n\n$/,
    )
    expect(text).not.toContain('burns')
    await open(0)
  })
})

describe.each([
  ['GraphQL over SSE', '/graphql'],
  ['SSE', '/api/v1/books/stream'],
])('a stream over %s', (_what, path) => {
  test('that is cancelled before it opens is not left open', async () => {
    const letIn = shutDoor()
    const url = `${server.url}${path}${path === '/graphql' ? `?query=${encodeURIComponent(FOLLOW)}` : ''}`
    const asking = get(url, { agent: false, headers: { accept: SSE } }).on('error', () => {})
    await until('its opening is delayed', () => server.shop.waiting === 1)
    const connections = await server.connections()
    asking.destroy()
    await until('the server has noticed', async () => (await server.connections()) === connections - 1)
    letIn()
    await until('it is no longer delayed', () => server.shop.waiting === 0)
    await open(0)
  })
})

test.each(['completed', 'closed'])(
  'a stream over a websocket that is %s before it opens is not left open',
  async (how) => {
    const letIn = shutDoor()
    const client = websocketClient(server)
    const { stop } = subscribe(client, FOLLOW)
    await until('its opening is delayed', () => server.shop.waiting === 1)
    const connections = await server.connections()
    if (how === 'completed') stop()
    else client.terminate()
    await until('the server has noticed', async () =>
      how === 'completed'
        ? (await subscribe(client, '{ shopName }').inbox.next()).data !== null
        : (await server.connections()) === connections - 1,
    )
    letIn()
    await until('it is no longer delayed', () => server.shop.waiting === 0)
    await open(0)
  },
)
