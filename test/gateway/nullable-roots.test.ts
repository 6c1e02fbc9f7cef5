import { beforeAll, describe, expect, test } from 'vitest'
import { type GraphqlAnswer, graphql, rest } from '../support/clients.ts'
import { MISSING } from '../support/factories.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
})

const ask = async (query: string, headers: Record<string, string> = {}) =>
  graphql(server, query, {}, { token, headers })
const placesOf = ({ errors }: GraphqlAnswer) => errors?.map(({ path, extensions: { code } }) => [path, code])
const titles = async () =>
  (await rest(server, 'GET /tasks?fields=title', { token })).body.nodes.map(({ title }: { title: string }) => title)

describe('one root field that fails leaves the others', () => {
  beforeAll(async () => {
    token = (await signUp(server)).token
  })

  test('in a query with an invalid argument', async () => {
    const answer = await ask('{ a: tasks(first: 1) { nodes { id } } b: tasks(first: 500) { nodes { id } } me { id } }')
    expect(placesOf(answer)).toEqual([[['b'], 'VALIDATION_FAILED']])
    expect(answer.errors?.[0]?.extensions.issues).toMatchObject([{ path: ['first'] }])
    expect(answer.data).toEqual({ a: { nodes: [] }, b: null, me: { id: expect.any(String) } })
  })

  test('in a mutation with an invalid input', async () => {
    const answer = await ask(
      'mutation { a: createTask(input: {title: "okay"}) { title } b: createTask(input: {title: ""}) { id } c: createTask(input: {title: "too"}) { title } }',
    )
    expect(answer.data).toEqual({ a: { title: 'okay' }, b: null, c: { title: 'too' } })
    expect(placesOf(answer)).toEqual([[['b'], 'VALIDATION_FAILED']])
    expect(await titles()).toEqual(['okay', 'too'])
  })

  test('in a mutation of something that does not exist', async () => {
    const answer = await ask(
      `mutation { a: createTask(input: {title: "more"}) { title } b: deleteTask(id: "${MISSING}") { id } }`,
    )
    expect(answer.data).toEqual({ a: { title: 'more' }, b: null })
    expect(placesOf(answer)).toEqual([[['b'], 'NOT_FOUND']])
  })
})

test('with an Idempotency-Key nothing remains of a mutation of which a part fails, and the answer says so', async () => {
  token = (await signUp(server)).token
  const query = 'mutation { a: createTask(input: {title: "okay"}) { title } b: createTask(input: {title: ""}) { id } }'
  const answer = await ask(query, { 'idempotency-key': crypto.randomUUID() })
  expect(answer.data).toEqual({ a: null, b: null })
  expect(placesOf(answer)).toEqual([[['b'], 'VALIDATION_FAILED']])
  expect(await titles()).toEqual([])
})
