import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { Inbox, rest } from '../support/clients.ts'
import { type OwnServer, ownServer, signUp } from '../support/server.ts'

/**
 * Sends bytes that are not UTF-8 through every door. They must be refused, never stored as
 * replacement characters.
 */

const JSON_TYPE = { 'content-type': 'application/json' }
const MUTATION = 'mutation ($title: String!) { createTask(input: {title: $title}) { title } }'

let server: OwnServer
let token: string

beforeAll(async () => {
  server = await ownServer()
  token = (await signUp(server)).token
})
afterAll(() => server?.close())
afterEach(async () => {
  expect((await rest(server, 'GET /tasks', { token })).body.nodes, 'something was stored').toEqual([])
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})

/**
 * Invalid UTF-8: a lone byte, a truncated sequence, an overlong one, a surrogate, a code point
 * beyond Unicode.
 */
const BROKEN = ['ff', 'e0a4', 'c0af', 'eda080', 'f4908080']

/** Encodes the text and replaces `@@` with the bytes. */
function withBytes(text: string, hex: string): Buffer<ArrayBuffer> {
  const [before = '', after = ''] = text.split('@@')
  return Buffer.concat([Buffer.from(before), Buffer.from(hex, 'hex'), Buffer.from(after)])
}

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${server.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  })
  const text = await response.text()
  return { status: response.status, text, body: JSON.parse(text) }
}

describe.each(BROKEN)('bytes %s', (hex) => {
  const encoded = hex.replace(/../g, '%$&')

  test.each([
    ['the document', JSON.stringify({ query: 'mutation { createTask(input: {title: "@@"}) { title } }' })],
    ['a variable', JSON.stringify({ query: MUTATION, variables: { title: '@@' } })],
    ['a member that nobody reads', JSON.stringify({ query: '{ me { id } }', extensions: { note: '@@' } })],
  ])('in %s of POST /graphql are BAD_REQUEST', async (_where, text) => {
    const answer = await ask('/graphql', { method: 'POST', headers: JSON_TYPE, body: withBytes(text, hex) })
    expect(answer.status, answer.text).toBe(400)
    expect(answer.body.errors).toMatchObject([
      { message: 'The body is not valid UTF-8.', extensions: { code: 'BAD_REQUEST', requestId: expect.any(String) } },
    ])
  })

  test('in a REST body are BAD_REQUEST', async () => {
    const body = withBytes('{"title":"@@"}', hex)
    const answer = await ask('/api/v1/tasks', { method: 'POST', headers: JSON_TYPE, body })
    expect(answer, answer.text).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } })
  })

  test.each([
    `query=${encodeURIComponent('{ me { id } } #')}@@`,
    `query=${encodeURIComponent('{ me { id } }')}&variables=${encodeURIComponent('{"a":"')}@@%22%7D`,
    `query=${encodeURIComponent('{ me { id } }')}&operationName=@@`,
  ])('in GET /graphql?%s are BAD_REQUEST', async (query) => {
    for (const accept of ['application/json', 'application/graphql-response+json', 'text/html', '*/*']) {
      const answer = await ask(`/graphql?${query.replace('@@', encoded)}`, { headers: { accept } })
      expect(answer, answer.text).toMatchObject({
        status: 400,
        body: { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
      })
    }
  })

  test.each(['/api/v1/tasks?search=@@', '/api/v1/tasks/@@', '/api/v1/projects/@@/tasks', '/@@'])(
    'in the URL %s are BAD_REQUEST',
    async (path) => {
      const answer = await ask(path.replace('@@', encoded))
      expect(answer, answer.text).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } })
    },
  )

  test('in the ticket of a stream are an invalid credential', async () => {
    const answer = await ask(`/api/v1/events/stream?ticket=${encoded}`)
    expect(answer, answer.text).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
  })

  test('in the form of the token endpoint are invalid_request', async () => {
    const form = 'grant_type=password&username=ada@example.org&password=@@'
    for (const body of [withBytes(form, hex), form.replace('@@', encoded)]) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await ask('/api/v1/auth/token', { method: 'POST', headers, body })
      expect(answer, answer.text).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    }
  })

  test.each([true, false])('in a message close the websocket with 1007, binary: %s', async (binary) => {
    const { socket } = await openSession()
    const closed = once(socket, 'close')
    const payload = { query: MUTATION, variables: { title: '@@' } }
    socket.send(withBytes(JSON.stringify({ id: '1', type: 'subscribe', payload }), hex), { binary })
    // A closed socket cannot be answered.
    const sound = { query: MUTATION, variables: { title: 'A' } }
    socket.send(JSON.stringify({ id: '2', type: 'subscribe', payload: sound }))
    expect((await closed)[0]).toBe(1007)
  })
})

test.each(['%', '%zz', '%E0%A4%A'])('broken percent-encoding is BAD_REQUEST at every path: %s', async (broken) => {
  for (const path of [
    `/graphql?query=${broken}`,
    `/graphql?query={__typename}&variables=${broken}`,
    `/api/v1/tasks/${broken}`,
    `/api/v1/tasks?search=${broken}`,
  ]) {
    const answer = await ask(path)
    const { code = answer.body.errors?.[0]?.extensions.code } = answer.body
    expect({ status: answer.status, code }, answer.text).toEqual({ status: 400, code: 'BAD_REQUEST' })
  }
})

describe('valid UTF-8 is accepted', () => {
  const query = '{ __typename }'

  test('with a byte order mark before a body', async () => {
    const mark = '\ufeff'
    const overGraphql = await ask('/graphql', {
      method: 'POST',
      headers: JSON_TYPE,
      body: `${mark}${JSON.stringify({ query })}`,
    })
    expect(overGraphql.body, overGraphql.text).toEqual({ data: { __typename: 'Query' } })
    const body = `${mark}{"title":"A"}`
    const overRest = await ask('/api/v1/tasks', { method: 'POST', headers: JSON_TYPE, body })
    expect(overRest.status, overRest.text).toBe(201)
    await server.db.task.deleteMany()
  })

  test('with every character, unchanged', async () => {
    const title = 'é 日本 🔑 \ufffd +%'
    const body = JSON.stringify({ query: MUTATION, variables: { title } })
    const posted = await ask('/graphql', { method: 'POST', headers: JSON_TYPE, body })
    expect(posted.body, posted.text).toEqual({ data: { createTask: { title } } })
    const parameters = new URLSearchParams({
      query: 'query ($title: String!) { tasks(filter: {search: $title}) { nodes { title } } }',
      variables: JSON.stringify({ title: '日本' }),
    })
    const got = await ask(`/graphql?${parameters}`)
    expect(got.body, got.text).toEqual({ data: { tasks: { nodes: [{ title }] } } })
    await server.db.task.deleteMany()
  })

  test('in a binary message of a websocket', async () => {
    const { socket, inbox } = await openSession()
    socket.send(Buffer.from(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } })), { binary: true })
    expect(await inbox.next()).toMatchObject({ type: 'next', payload: { data: { __typename: 'Query' } } })
  })
})

/** Opens a websocket and completes `connection_init`. */
async function openSession() {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  onTestFinished(() => socket.terminate())
  const inbox = new Inbox<{ type: string; payload?: unknown }>()
  socket.on('message', (data) => inbox.push(JSON.parse(String(data))))
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }))
  expect(await inbox.next()).toEqual({ type: 'connection_ack' })
  return { socket, inbox }
}
