import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string
let account: { email: string; password: string }

beforeAll(async () => {
  server = await sharedServer()
  account = await signUp(server)
  token = (account as unknown as { token: string }).token
})
afterEach(() => {
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})

const TYPES = ['application/json', 'application/graphql-response+json', '*/*']

async function get(query: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(`${server.url}/graphql?${query}`, {
    method,
    headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...headers },
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') && text !== ''
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

async function post(body: unknown) {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

const parameters = (values: Record<string, string>) => new URLSearchParams(values).toString()
const QUERY = 'query ($n: Int) { tasks(first: $n) { totalCount } me { id } }'

describe('a GET with a parameter that is not what it must be', () => {
  test.each([
    [{ variables: 'x' }, 'variables is not valid JSON'],
    [{ extensions: 'x' }, 'extensions is not valid JSON'],
    [{ variables: '{"n":' }, 'variables is not valid JSON'],
    [{ variables: '[1]' }, 'variables must be an object, not an array'],
    [{ variables: '5' }, 'variables must be an object, not a number'],
    [{ extensions: '"x"' }, 'extensions must be an object, not a string'],
  ])('is BAD_REQUEST and names it: %o', async (values, message) => {
    for (const accept of [...TYPES, 'text/event-stream', 'multipart/mixed']) {
      const answer = await get(parameters({ query: '{ me { id } }', ...values }), { accept })
      expect(answer.status, answer.text).toBe(400)
      expect(answer.body.errors).toMatchObject([
        { message: expect.stringContaining(message), extensions: { code: 'BAD_REQUEST' } },
      ])
    }
  })

  test('is BAD_REQUEST without a query, and with two operations of which none is named', async () => {
    for (const query of [
      '',
      'variables={}',
      'operationName=A',
      parameters({ query: 'query A{me{id}} query B{me{id}}' }),
    ])
      for (const accept of TYPES)
        expect((await get(query, { accept })).body.errors[0].extensions.code).toBe('BAD_REQUEST')
  })
})

test('empty parameters count as absent, over GET, POST and for several operations', async () => {
  const empty = { operationName: '', variables: '', extensions: '' }
  expect((await get(parameters({ query: '{ __typename }', ...empty }))).body).toEqual({ data: { __typename: 'Query' } })
  for (const operationName of ['', null, undefined]) {
    expect((await post({ query: '{ __typename }', operationName })).body).toEqual({ data: { __typename: 'Query' } })
  }
  const two = 'query A { __typename } query B { me { id } }'
  expect((await post({ query: two, operationName: '' })).body.errors[0].extensions.code).toBe('BAD_REQUEST')
  expect((await post({ query: two, operationName: 'A' })).body).toEqual({ data: { __typename: 'Query' } })
})

test('parameters of others are ignored', async () => {
  expect((await get(parameters({ query: '{ __typename }', utm_source: 'mail', _: '5' }))).status).toBe(200)
})

test('HEAD answers a query like GET, without the body', async () => {
  const query = parameters({ query: QUERY, variables: '{"n":1}' })
  const [head, full] = [await get(query, {}, 'HEAD'), await get(query)]
  expect([head.status, head.text]).toEqual([200, ''])
  for (const name of ['content-type', 'content-length', 'cache-control', 'vary'])
    expect(head.headers.get(name), name).toBe(full.headers.get(name))
})

describe('methods', () => {
  test.each(TYPES)('a mutation over GET is 405 with Allow: POST, whatever is accepted: %s', async (accept) => {
    for (const query of ['mutation{signOut}', 'mutation { createTask(input: {title: "A"}) { id } }']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await get(parameters({ query }), { accept }, method)
        expect([answer.status, answer.headers.get('allow')], answer.text).toEqual([405, 'POST'])
        if (method === 'GET') expect(answer.body.errors[0].extensions.code).toBe('METHOD_NOT_ALLOWED')
      }
    }
    expect((await get(parameters({ query: '{ me { id } }' }))).body.data.me).not.toBeNull()
  })

  test.each(['PUT', 'PATCH', 'DELETE'])('%s is 405 with a body that says so', async (method) => {
    for (const accept of TYPES) {
      const answer = await get('query={__typename}', { accept }, method)
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST, OPTIONS'])
      expect(answer.body.errors).toMatchObject([{ extensions: { code: 'METHOD_NOT_ALLOWED' } }])
    }
  })

  test('OPTIONS says which there are', async () => {
    const answer = await get('', {}, 'OPTIONS')
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
  })
})

describe('caches', () => {
  test.each([...TYPES, 'multipart/mixed'])(
    'may keep the answer to a GET for its user, and must ask before using it: %s',
    async (accept) => {
      const { headers, status } = await get(parameters({ query: QUERY }), { accept })
      expect(status).toBe(200)
      expect(headers.get('cache-control')).toBe('private, no-cache')
      const varies = (headers.get('vary') ?? '').split(/, */)
      for (const name of ['Accept', 'Authorization', 'X-API-Key', 'Origin']) expect(varies).toContain(name)
    },
  )

  test('must not keep the answer to a POST, which may be a secret, or an error', async () => {
    const { email, password } = account
    const input = { email, password }
    const query = 'mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }'
    const signedIn = await post({ query, variables: { input } })
    expect(signedIn.body.data.signIn.accessToken).toEqual(expect.any(String))
    expect(signedIn.headers.get('cache-control')).toBe('no-store')
    for (const answer of [await get('query={'), await get(parameters({ query: 'mutation{signOut}' })), await get('')])
      expect(answer.headers.get('cache-control'), answer.text).toMatch(/no-store|private, no-cache/)
    expect((await get('variables=x&query={__typename}')).headers.get('cache-control')).toBe('no-store')
  })
})
