import { beforeAll, describe, expect, test } from 'vitest'
import { schema } from '../../src/app/schema.ts'
import { createPrepare } from '../../src/gateway/prepared-operation.ts'
import { costLimits } from '../../src/schema/complexity.ts'
import { type GraphqlAnswer, graphql } from '../support/clients.ts'
import { freshServerForTest, sharedServer, signUp, type TestServer } from '../support/server.ts'
import { graphqlStream, openSocket } from '../support/sockets.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
})

const repeat = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ')

const codeOf = ({ errors }: GraphqlAnswer) => errors?.[0]?.extensions.code

/** Sends a document through every door, and returns the code of the error, if any, from each. */
async function throughEveryDoor(at: TestServer, query: string): Promise<(string | undefined)[]> {
  const socket = await openSocket(at, { authorization: `Bearer ${token}` })
  const { inbox } = await graphqlStream(at, query, { token })
  const got = await fetch(`${at.url}/graphql?${new URLSearchParams({ query })}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return [
    codeOf(await graphql(at, query, {}, { token })),
    codeOf((await got.json()) as GraphqlAnswer),
    codeOf(await inbox.next()),
    codeOf(await socket.ask(query)),
  ]
}

test('a document is limited to DOCUMENT_LIMIT bytes, through every door', async () => {
  const strict = await freshServerForTest({ DOCUMENT_LIMIT: '1024', RATE_LIMIT: 'off' })
  const ofBytes = (bytes: number) => `{ me { id } } #${'\u00e4'.repeat((bytes - 15) / 2)}${bytes % 2 ? '' : '-'}`
  expect(Buffer.byteLength(ofBytes(1_024))).toBe(1_024)
  expect(await throughEveryDoor(strict, ofBytes(1_024))).toEqual(Array(4).fill(undefined))
  expect(Buffer.byteLength(ofBytes(1_025))).toBe(1_025)
  expect(await throughEveryDoor(strict, ofBytes(1_025))).toEqual(Array(4).fill('QUERY_TOO_COMPLEX'))
  const { errors } = await graphql(strict, ofBytes(1_025), {}, { token })
  expect(errors?.[0]?.message).toContain('1025 bytes, the limit is 1024 (DOCUMENT_LIMIT)')
})

test.each([
  ['ALIAS_LIMIT', (count: number) => `{ me { ${repeat(count, (index) => `a${index}: id`)} } }`],
  ['ROOT_FIELD_LIMIT', (count: number) => `{ ${repeat(count, (index) => `a${index}: __typename`)} }`],
  [
    'ROOT_FIELD_LIMIT',
    (count: number) => `{ ...F } fragment F on Query { ${repeat(count, (i) => `a${i}: me { id }`)} }`,
  ],
])('%s limits an operation', async (setting, document) => {
  const strict = await freshServerForTest({
    ALIAS_LIMIT: '100',
    ROOT_FIELD_LIMIT: '100',
    [setting]: '7',
    RATE_LIMIT: 'off',
  })
  expect(await throughEveryDoor(strict, document(7))).toEqual(Array(4).fill(undefined))
  expect(await throughEveryDoor(strict, document(8))).toEqual(Array(4).fill('QUERY_TOO_COMPLEX'))
  expect((await graphql(strict, document(8), {}, { token })).errors?.[0]?.message).toContain(
    `the limit is 7 (${setting})`,
  )
})

describe('graphql-js does not get to see', () => {
  test.each([
    ['a field that is repeated', `{ ${'me { id } '.repeat(300)} }`, 'comparisons of repeated selections'],
    ['inline fragments that are repeated', `{ me { ${'... on User { id } '.repeat(400)} } }`, 'comparisons'],
    [
      'fragments that are spread many times',
      `{ ${`me { ${repeat(10, (i) => `...F${i}`)} } `.repeat(60)} } ${repeat(10, (i) => `fragment F${i} on User { id }`)}`,
      'comparisons',
    ],
    ['many operations', repeat(101, (index) => `query Q${index} { me { id } }`), '101 operations and fragments'],
    ['deep selections', `{ me ${'{ ... on User '.repeat(51)} { id } ${'}'.repeat(51)} }`, 'over 50 levels'],
    ['deep brackets', '['.repeat(3_000), 'over 150 levels of brackets'],
    [
      'deep values',
      `{ tasks(filter: ${'{and: '.repeat(45)}{}${'}'.repeat(45)}) { totalCount } }`,
      'nested more than 40 levels deep',
    ],
    [
      'several __schema',
      '{ a: __schema { types { name } } b: __schema { types { name } } }',
      '2 fields __schema, the limit is 1',
    ],
    [
      'many __type',
      `{ ${repeat(11, (i) => `a${i}: __type(name: "Task") { name }`)} }`,
      '11 fields __type, the limit is 10',
    ],
  ])('%s', async (_name, query, message) => {
    const { errors } = await graphql(server, query, {}, { token })
    expect(errors).toHaveLength(1)
    expect(errors?.[0]?.message).toContain(message)
  })
})

test('brackets in strings and comments do not count', async () => {
  const brackets = '['.repeat(500)
  const query = `{ # ${brackets} "
    a: task(id: "${brackets} \\" {") { id } b: task(id: """${brackets} " \\""" {""") { id } }`
  const { data, errors } = await graphql(server, query, {}, { token })
  expect(data).toEqual({ a: null, b: null })
  expect(errors?.map(({ extensions: { code } }) => code)).toEqual(['NOT_FOUND', 'NOT_FOUND'])
})

test('ordinary documents with many fragments and repeated names pass', async () => {
  const fragments = repeat(60, (i) => `fragment F${i} on Task { __typename id title project { __typename id name } }`)
  const query = `{ tasks { nodes { ${repeat(60, (index) => `...F${index}`)} } } } ${fragments}`
  expect((await graphql(server, query, {}, { token })).errors).toBeUndefined()
})

test('introspection costs, and can be switched off', async () => {
  const closed = await freshServerForTest({ INTROSPECTION: 'off', RATE_LIMIT: 'off' })
  for (const query of ['{ __schema { types { name } } }', '{ a: __type(name: "Task") { name } }']) {
    expect(await throughEveryDoor(closed, query)).toEqual(Array(4).fill('FORBIDDEN'))
    expect(await throughEveryDoor(server, query)).toEqual(Array(4).fill(undefined))
  }
  expect((await graphql(closed, '{ me { __typename id } }', {}, { token })).errors).toBeUndefined()
  const wrong = '{ me { emial } }'
  expect((await graphql(closed, wrong, {}, { token })).errors?.[0]?.message).not.toContain('email')
  expect((await graphql(server, wrong, {}, { token })).errors?.[0]?.message).toContain('email')
  const refusal = (complexity: number) => () => {
    const prepared = createPrepare(schema, { limits: costLimits(complexity, 1) })('{ __schema { types { name } } }')
    if ('errors' in prepared) throw new Error('invalid')
    prepared.planner.plan({})
  }
  expect(refusal(9_999)).toThrow('its complexity is 10000, the limit is 9999 (COMPLEXITY_LIMIT)')
  expect(refusal(10_000)).not.toThrow()
})

test('valid documents are kept by their size, invalid ones are not', () => {
  const prepare = createPrepare(schema)
  const small = '{ me { id } }'
  const first = prepare(small)
  expect(prepare(small)).toBe(first)
  const invalid = prepare('{ nothing }')
  expect(prepare('{ nothing }')).not.toBe(invalid)
  // Far fewer documents than are kept otherwise.
  for (let index = 0; index < 40; index++) prepare(`{ me { id } } # ${index} ${'x'.repeat(60_000)}`)
  expect(prepare(small)).not.toBe(first)
})

test('an error shows only the beginning of what a client sent', async () => {
  const long = 'x'.repeat(60_000)
  const documents: [string, Record<string, unknown>?][] = [
    [`{ ${long} }`],
    [`{ task(id: "${long}") { id } deleteTask: task(id: "b${long.slice(1_000)}") { id } }`],
    [`{ task(${long}: 1) { id } }`],
    [`{ me { ...${long} } }`],
    [`query ($a: ${long}) { me { id } }`],
    [`{ tasks(first: ${long.replaceAll('x', '9')}) { totalCount } }`],
    [`{ tasks(filter: {status: [${long}]}) { totalCount } }`],
    [`{ tasks(savedFilterId: "${long}") { totalCount } }`],
    ['query ($id: ID!) { project(id: $id) { id } labels(projectId: $id) { totalCount } }', { id: long.repeat(10) }],
    ['query ($first: Int) { tasks(first: $first) { totalCount } }', { first: long.repeat(10) }],
    ['query ($types: [String!]) { events(types: $types) { nodes { type } } }', { types: [long.repeat(10)] }],
    ['query ($filter: TaskFilter) { tasks(filter: $filter) { totalCount } }', { filter: { [long.repeat(10)]: 1 } }],
    ['mutation ($id: ID!) { deleteTask(id: $id) { id } }', { id: long.repeat(10) }],
  ]
  for (const [query, variables] of documents) {
    const answer = await graphql(server, query, variables ?? {}, { token })
    expect(JSON.stringify(answer).length, query.slice(0, 60)).toBeLessThan(5_000)
  }
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
})
