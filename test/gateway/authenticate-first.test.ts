import { beforeAll, describe, expect, test } from 'vitest'
import {
  eventStream,
  type GraphqlAnswer,
  graphql,
  type RestOptions,
  rest,
  subscribe,
  websocketClient,
} from '../support/clients.ts'
import { type Document, operationsOf } from '../support/openapi-document.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server, 'Ada')).token
})

const JSON_TYPE = { 'content-type': 'application/json' }
const CREATE = 'mutation ($input: CreateTaskInput!) { createTask(input: $input) { id } }'
const FOLLOW = 'subscription ($after: String) { taskEvents(after: $after) { type } }'

/** Variables that cannot be coerced, break a rule, are missing, or are nested too deeply. */
const deep = JSON.parse(`${'['.repeat(60)}${']'.repeat(60)}`)
const BAD_VARIABLES: Record<string, object> = {
  'of the wrong type': { input: { title: 5, colour: 'red' } },
  'that break a rule': { input: { title: '' } },
  'that are missing': {},
  'nested too deeply': { input: deep },
}

/** Expects one UNAUTHENTICATED error and nothing about the variables. */
function expectSignedOut({ data, errors }: GraphqlAnswer, field: string): void {
  expect(errors).toMatchObject([{ path: [field], extensions: { code: 'UNAUTHENTICATED' } }])
  expect(errors?.[0]?.extensions.issues).toBeUndefined()
  expect(data ?? { [field]: null }).toEqual({ [field]: null })
}

describe('REST', () => {
  const BAD_REQUESTS: [string, RestOptions][] = [
    ['POST /tasks', { body: { title: 5, colour: 'red' } }],
    ['POST /tasks', { body: [] }],
    ['POST /tasks', {}],
    ['POST /tasks', { raw: '{', headers: JSON_TYPE }],
    ['POST /tasks', { raw: 'x', headers: { 'content-type': 'text/plain' } }],
    ['POST /tasks', { raw: 'x', headers: { ...JSON_TYPE, 'content-encoding': 'gzip' } }],
    ['POST /tasks', { raw: new Uint8Array([0x22, 0xff, 0x22]), headers: JSON_TYPE }],
    ['POST /tasks', { body: { title: 'A' }, headers: { 'idempotency-key': 'with a space' } }],
    ['PATCH /tasks/no-id', { body: { title: '' }, headers: { 'if-match': '"v1.aaaa", "v2.bbbb"' } }],
    ['GET /tasks?limit=many&colour=red', {}],
    ['GET /tasks?search=%ff', {}],
    ['GET /tasks?fields=colour', {}],
    ['GET /tasks/no-id', {}],
  ]

  test.each(BAD_REQUESTS)('answers %s with 401 and nothing else', async (call, options) => {
    const { status, body, headers } = await rest(server, call, options)
    expect({ status, code: body.code, errors: body.errors }).toEqual({ status: 401, code: 'UNAUTHENTICATED' })
    expect(headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  test('reports the same faults to a signed-in viewer', async () => {
    for (const [call, options] of BAD_REQUESTS) {
      const { status } = await rest(server, call, { ...options, token })
      expect([400, 404, 415, 422], call).toContain(status)
    }
  })

  test('says what is wrong with a credential, regardless of other faults', async () => {
    const { status, body } = await rest(server, 'POST /tasks', { token: 'garbage', body: { title: 5 } })
    expect({ status, detail: body.detail }).toEqual({ status: 401, detail: expect.stringContaining('access token') })
  })

  test('reads and validates the body of a public operation', async () => {
    const { status, body } = await rest(server, 'POST /auth/sign-in', { body: { email: 5 } })
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'VALIDATION_FAILED' })
    expect((await rest(server, 'POST /auth/sign-in', { raw: '{', headers: JSON_TYPE })).status).toBe(400)
  })

  test('answers a declared length above the limit with 413 first', async () => {
    const raw = `"${'x'.repeat(1_100_000)}"`
    for (const headers of [JSON_TYPE, { ...JSON_TYPE, 'content-encoding': 'gzip' }]) {
      expect((await rest(server, 'POST /tasks', { raw, headers })).status).toBe(413)
    }
  })

  test('answers 404 for an unknown path, 405 for a wrong method and 406 for an unacceptable type first', async () => {
    expect((await rest(server, 'POST /nothing')).status).toBe(404)
    expect((await rest(server, 'DELETE /me/nothing')).status).toBe(404)
    expect((await rest(server, 'POST /me', { body: {} })).status).toBe(405)
    expect((await rest(server, 'GET /me', { headers: { accept: 'text/html' } })).status).toBe(406)
  })

  test('keeps the connection usable after leaving a body unread', async () => {
    const bodies = Array.from({ length: 5 }, () => rest(server, 'POST /tasks', { raw: 'x'.repeat(500_000) }))
    expect((await Promise.all(bodies)).map(({ status }) => status)).toEqual(Array(5).fill(401))
    expect((await rest(server, 'GET /me', { token })).status).toBe(200)
  })

  test('answers a stream with 401 whatever its parameters', async () => {
    for (const path of ['/events/stream?after=made-up&colour=red', '/events/stream?ticket=garbage&after=made-up']) {
      expect((await eventStream(server, path)).response.status, path).toBe(401)
    }
    const { response } = await eventStream(server, '/events/stream', { headers: { 'last-event-id': 'made-up' } })
    expect(response.status).toBe(401)
  })

  test('marks every operation that needs a credential', async () => {
    const operations = operationsOf((await rest(server, 'GET /openapi.json')).body as Document).filter(
      ({ operation }) => operation['x-graphql-operation'],
    )
    expect(operations.length).toBeGreaterThan(10)
    for (const { method, path, name, operation } of operations) {
      const isPublic = operation.security?.some((one) => Object.keys(one).length === 0)
      const body = method === 'GET' ? {} : { body: { colour: 'red' } }
      const { status } = await rest(server, `${method} ${path.replace(/\{\w+\}/g, 'x')}?colour=red`, body)
      expect(status, name).toBe(isPublic ? 422 : 401)
    }
  })
})

describe('GraphQL', () => {
  test.each(Object.entries(BAD_VARIABLES))(
    'over HTTP reports UNAUTHENTICATED for variables %s',
    async (_, variables) => {
      const answer = await graphql(server, CREATE, variables as Record<string, unknown>)
      expectSignedOut(answer, 'createTask')
      expect(answer.status).toBe(200)
      const signedIn = await graphql(server, CREATE, variables as Record<string, unknown>, { token })
      expect(signedIn.errors?.[0]?.extensions.code).toBe('VALIDATION_FAILED')
    },
  )

  test('over HTTP reports it for an invalid Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'with a space' }
    expectSignedOut(await graphql(server, CREATE, { input: { title: 'A' } }, { headers }), 'createTask')
  })

  test('over GET reports it for each field that is not public', async () => {
    const query = 'query ($first: Int) { own: me { id } tasks(first: $first) { nodes { id } } __typename }'
    const parameters = new URLSearchParams({ query, variables: '{"first":"many"}' })
    const response = await fetch(`${server.url}/graphql?${parameters}`)
    const { data, errors } = (await response.json()) as GraphqlAnswer
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['own'], 'UNAUTHENTICATED'],
      [['tasks'], 'UNAUTHENTICATED'],
    ])
    expect(data).toBeNull()
  })

  test('finds the fields in fragments, and leaves out those that are skipped', async () => {
    const query = `query ($off: Boolean!) { ...Own ... on Query { first: task(id: "x") { id } } }
      fragment Own on Query { me @skip(if: $off) { id } second: me @include(if: false) { id } }`
    const { data, errors } = await graphql(server, query, { off: true })
    expect(errors?.map(({ path }) => path)).toEqual([['first']])
    expect(data).toEqual({ first: null })
    const both = await graphql(server, query, { off: false })
    expect(both.errors?.map(({ path }) => path)).toEqual([['me'], ['first']])
  })

  test('reports an invalid document even to signed-out callers', async () => {
    for (const query of ['{ me {', '{ colour }', 'mutation { createTask(input: {title: 5}) { id } }']) {
      expect((await graphql(server, query)).errors?.[0]?.extensions.code, query).toBe('BAD_REQUEST')
    }
  })

  test('validates the variables of a public field, and runs it', async () => {
    const signIn = 'mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }'
    const { errors } = await graphql(server, signIn, { input: { email: 5 } })
    expect(errors?.[0]?.extensions.code).toBe('VALIDATION_FAILED')
    expect((await graphql(server, '{ __typename }')).data).toEqual({ __typename: 'Query' })
  })

  test('runs no field of an operation if one of them is not public', async () => {
    const email = `mixed-${Date.now()}@example.org`
    const register = `registerUser(input: {name: "Mixed", email: "${email}", password: "correct horse battery"}) { accessToken }`
    const { data, errors } = await graphql(server, `mutation { ${register} createTask(input: {title: "A"}) { id } }`)
    expect(errors?.map(({ path }) => path)).toEqual([['createTask']])
    expect(data).toEqual({ registerUser: null, createTask: null })
    expect(await server.db.user.count({ where: { email } })).toBe(0)
  })

  test('says what is wrong with a credential', async () => {
    const { errors } = await graphql(server, CREATE, {}, { token: 'garbage' })
    expect(errors).toMatchObject([{ message: expect.stringContaining('access token') }])
  })

  test('over SSE reports it for a subscription whose variables are invalid', async () => {
    for (const variables of [{ after: 5 }, { after: 'made-up' }, {}]) {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { ...JSON_TYPE, accept: 'text/event-stream' },
        body: JSON.stringify({ query: FOLLOW, variables }),
      })
      const text = await response.text()
      expect(text).toContain('UNAUTHENTICATED')
      expect(text).not.toContain('VALIDATION_FAILED')
    }
  })

  test('over a websocket reports it for every kind of operation', async () => {
    const client = websocketClient(server)
    for (const variables of Object.values(BAD_VARIABLES)) {
      expectSignedOut(await subscribe(client, CREATE, variables as Record<string, unknown>).inbox.next(), 'createTask')
    }
    for (const variables of [{ after: 5 }, { after: 'made-up' }]) {
      expectSignedOut(await subscribe(client, FOLLOW, variables).inbox.next(), 'taskEvents')
    }
    const query = 'query ($first: Int) { tasks(first: $first) { nodes { id } } }'
    expectSignedOut(await subscribe(client, query, { first: 'many' }).inbox.next(), 'tasks')
  })
})
