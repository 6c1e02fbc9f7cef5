import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { openGateway, openStock, type Site } from './sites.ts'

/**
 * The table in docs/gateway.md: each row is asked of stock sofa-api and of the gateway, which serve
 * the same schema. What they answer must stand in the table.
 */

interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: rows read the shape they expect
  body: any
}

/** Sends `"GET /notes"`, with a body as JSON. */
type Call = (request: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>

const paths = ({ body }: Answer) => (body.errors ?? []).map(({ path }: { path: string[] }) => path.join('.')).join(', ')
const refusal = (answer: Answer) => `${answer.status}${answer.status === 422 ? `, names ${paths(answer)}` : ''}`

/** What a client does, and what it is answered: a status, and what matters of the rest. */
const ROWS: Record<string, (call: Call) => Promise<string>> = {
  'a root field that is not meant for REST': async (call) => refusal(await call('GET /report')),
  '`POST /webhook` with any URL': async (call) => {
    const calls = await receivedBy(async (url) => {
      await call('POST /webhook', { subscription: 'noteAdded', variables: {}, url })
      await call('POST /notes', { text: 'For the webhook' })
    }, call)
    return calls ? 'the server calls it' : '404'
  },
  '`POST /notes?text=query` with another `text` in the body': async (call) => {
    const answer = await call('POST /notes?text=query', { text: 'body' })
    return answer.status < 300 ? `stores “${answer.body.text}”` : refusal(answer)
  },
  '`?done=maybe` for a Boolean': async (call) => {
    const answer = await call('GET /notes?done=maybe')
    return answer.status === 200 ? '200, as `false`' : refusal(answer)
  },
  'an unknown parameter `?colour=red`': async (call) => refusal(await call('GET /notes?colour=red')),
  'PATCH with `{"color": null}`': async (call) => {
    const { body } = await call('POST /notes', { text: 'Red', color: 'RED' })
    const changed = await call(`PATCH /notes/${body.id}`, { color: null })
    return changed.body.color === null ? 'clears it' : 'keeps the value'
  },
  'a required field is missing': async (call) => refusal(await call('POST /notes', { color: 'RED' })),
  'two invalid fields': async (call) => {
    const answer = await call('POST /notes', { text: 5, color: 'GREEN' })
    return answer.body.errors.length === 2 && answer.status === 422 ? refusal(answer) : `${answer.status}, the first`
  },
  'an unexpected error': async (call) => {
    const { status, body } = await call('GET /broken')
    return `${status}, ${JSON.stringify(body).includes('hunter2') ? 'with the password of the database' : 'masked, with a request id'}`
  },
  'the format of errors': async (call) => {
    const type = (await call('POST /notes', {})).headers.get('content-type') ?? ''
    return type.includes('problem') ? '`application/problem+json`' : '`{"errors": [{"message"}]}`'
  },
  'one thing that does not exist': async (call) => {
    const { status, body } = await call('GET /notes/nothing')
    return body === null ? `${status} \`null\`` : String(status)
  },
  'a wrong method': async (call) => {
    const { status, headers } = await call('DELETE /notes')
    return `${status}${headers.has('allow') ? ' with `Allow`' : ''}`
  },
  HEAD: async (call) => String((await call('HEAD /notes')).status),
  OPTIONS: async (call) => {
    const { status, headers } = await call('OPTIONS /notes')
    return `${status}${headers.has('allow') ? ' with `Allow`' : ''}`
  },
  'a body of `text/plain`, which any web page may send': async (call) =>
    refusal(await call('POST /notes', { text: 'Plain' }, { 'content-type': 'text/plain' })),
  'what was created': async (call) => {
    const { status, headers } = await call('POST /notes', { text: 'New' })
    return `${status}${headers.has('location') ? ' with `Location`' : ''}`
  },
  'a second read with `If-None-Match`': async (call) => {
    const tag = (await call('GET /notes')).headers.get('etag')
    return String((await call('GET /notes', undefined, { 'if-none-match': tag ?? '"none"' })).status)
  },
  'the same POST twice with one `Idempotency-Key`': async (call) => {
    const send = async () => (await call('POST /notes', { text: 'Once' }, { 'idempotency-key': 'a-key' })).body.id
    const [first, second] = [await send(), await send()]
    return first === second ? 'runs once' : 'runs twice'
  },
  'only some fields: `?fields=text`': async (call) => {
    const { body } = await call('GET /notes/1?fields=text')
    return Object.keys(body).join() === 'text' ? 'sends those' : 'sends all'
  },
  'a live stream that resumes after a cut': async (call) => {
    const { status, headers } = await call('HEAD /notes/stream')
    return headers.get('content-type')?.startsWith('text/event-stream')
      ? 'SSE with `Last-Event-ID`'
      : `none (${status})`
  },
  'OpenAPI: version': async (call) => (await call('GET /openapi.json')).body.openapi,
  'OpenAPI: errors of `POST /notes`': async (call) => {
    const { body } = await call('GET /openapi.json')
    const found = Object.keys(body.paths['/notes'].post.responses).filter((status) => Number(status) >= 400)
    return found.length === 0 ? 'none' : found.join(', ')
  },
  'OpenAPI: where `text` of `POST /notes` is sent': async (call) => {
    const { parameters = [], requestBody } = (await call('GET /openapi.json')).body.paths['/notes'].post
    const inQuery = parameters.some(({ name }: { name: string }) => name === 'text')
    return [inQuery && 'query', requestBody && 'body'].filter(Boolean).join(' and ')
  },
  'OpenAPI: `color: Color` may be null': async (call) => {
    const note = (await call('GET /openapi.json')).body.components.schemas.Note
    return JSON.stringify(note.properties.color).includes('null') ? 'says so' : 'does not say so'
  },
}

/** Returns true if the server calls a URL that a client has chosen. */
async function receivedBy(send: (url: string) => Promise<void>, call: Call): Promise<boolean> {
  let received = false
  const target = createServer((request, response) => {
    received = true
    request.resume()
    response.end()
  })
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void target.close())
  await send(`http://127.0.0.1:${(target.address() as AddressInfo).port}/`)
  const { status } = await call('POST /webhook', {})
  if (status === 404) return received
  await vi.waitUntil(() => received, { timeout: 60_000 })
  return received
}

let stock: Site
let gateway: Site

beforeAll(async () => {
  // It prints each subscription.
  vi.spyOn(console, 'info').mockImplementation(() => undefined)
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  ;[stock, gateway] = await Promise.all([openStock(), openGateway()])
})
afterAll(async () => {
  vi.restoreAllMocks()
  await Promise.all([stock?.close(), gateway?.close()])
})

const page = readFileSync(new URL('../../../docs/gateway.md', import.meta.url), 'utf8')

function callOf({ url }: Site): Call {
  return async (request, body, headers = {}) => {
    const [method = '', path = ''] = request.split(' ')
    const response = await fetch(url + path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await response.text()
    const isJson = text !== '' && /json|plain/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
}

test.each(Object.entries(ROWS))('%s', async (what, ask) => {
  const row = `| ${what} | ${await ask(callOf(stock))} | ${await ask(callOf(gateway))} |`
  expect(page.split('\n'), `docs/gateway.md lacks the row\n${row}`).toContain(row)
})

test('the table has no other rows', () => {
  const rows =
    page
      .split('## What stock sofa-api cannot do')[1]
      ?.split('\n## ')[0]
      ?.match(/^\|.*\|$/gm) ?? []
  expect(rows.slice(2)).toHaveLength(Object.keys(ROWS).length)
})
