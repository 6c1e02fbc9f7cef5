import { GraphQLError } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withStatus } from '../../src/gateway/graphql/status.ts'
import { openBookshop } from '../support/bookshop.ts'
import { freshServerForTest, signUp } from '../support/server.ts'

const TYPES = ['application/json', 'application/graphql-response+json']

let shop: Awaited<ReturnType<typeof openBookshop>>
beforeAll(async () => {
  shop = await openBookshop()
})
afterAll(() => shop.close())

function send({ url }: { url: string }, query: string, accept: string, method: 'GET' | 'POST' = 'POST') {
  const search = method === 'GET' ? `?query=${encodeURIComponent(query)}` : ''
  return fetch(`${url}/graphql${search}`, {
    method,
    headers: { accept, 'content-type': 'application/json' },
    body: method === 'POST' ? JSON.stringify({ query }) : null,
  })
}

describe.each(TYPES)('as %s', (accept) => {
  test.each(['GET', 'POST'] as const)('%s answers 500 if the server failed and there is no data', async (method) => {
    const response = await send(shop, '{ till }', accept, method)
    expect(response.status).toBe(500)
    expect(response.headers.get('content-type')).toContain(accept)
    expect(await response.json()).toMatchObject({ errors: [{ path: ['till'], extensions: { code: 'INTERNAL' } }] })
  })

  test.each(['GET', 'POST'] as const)('%s answers 200 if only a field failed', async (method) => {
    const response = await send(shop, '{ book(id: "nothing") { id } shopName }', accept, method)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ data: { book: null, shopName: expect.any(String) } })
  })

  test('too many attempts are 429 with the headers of the limit', async () => {
    const server = await freshServerForTest()
    const { email } = await signUp(server)
    const wrong = `mutation { signIn(input: { email: "${email}", password: "wrong" }) { accessToken } }`
    for (let attempt = 0; attempt < 10; attempt++) {
      const { errors } = (await (await send(server, wrong, accept)).json()) as { errors: [{ extensions: object }] }
      expect(errors[0].extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
    }
    const { status, headers } = await send(server, wrong, accept)
    expect([status, Number(headers.get('retry-after')) > 0, headers.get('ratelimit')]).toEqual([
      429,
      true,
      expect.stringContaining('r=0'),
    ])
  })
})

describe('the status of the whole answer is not set', () => {
  const failed = (name: string, code: string) => new GraphQLError('failed', { path: [name], extensions: { code } })
  test.each([
    ['a root field has data', { data: { a: null, b: 1 }, errors: [failed('a', 'UNAVAILABLE')] }],
    ['a root field is null without an error', { data: { a: null, b: null }, errors: [failed('a', 'UNAVAILABLE')] }],
    [
      'an error is of the client',
      { data: { a: null, b: null }, errors: [failed('a', 'INTERNAL'), failed('b', 'NOT_FOUND')] },
    ],
    ['there is no error', { data: { a: null } }],
  ])('if %s', (_name, result) => {
    expect(withStatus(result).errors?.every(({ extensions }) => extensions.http === undefined) ?? true).toBe(true)
  })
})
