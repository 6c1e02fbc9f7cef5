import { beforeAll, expect, test } from 'vitest'
import { graphql } from '../support/clients.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
})

const PAGE = `tasks(first: 100) { totalCount nodes {
  id projectId number title description status priority dueAt completedAt creatorId version createdAt updatedAt
  project { id key name } creator { id name email }
} pageInfo { endCursor hasNextPage } }`

test('the largest page with all of its fields is allowed, even several times', async () => {
  const answer = await graphql(server, `{ a: ${PAGE} b: ${PAGE} c: ${PAGE} }`, {}, { token })
  expect(answer.errors).toBeUndefined()
})

/** A short document whose answer has two fields at the first level, four at the second, and so on. */
function fragmentBomb(levels: number): string {
  const level = (index: number) => (index < levels ? `...F${index + 1}` : 'id')
  const fragments = Array.from(
    { length: levels },
    (_, index) =>
      `fragment F${index + 1} on Task { a: parent { ${level(index + 1)} } b: parent { ${level(index + 1)} } }`,
  )
  return `{ tasks(first: 1) { nodes { ...F1 } } } ${fragments.join(' ')}`
}

test.each([
  [
    'lists in several large pages',
    `{ ${Array.from({ length: 10 }, (_, index) => `a${index}: tasks(first: 100) { nodes { relations { id type } } }`).join(' ')} }`,
    'complexity',
  ],
  [
    'more than a hundred root fields',
    `{ ${Array.from({ length: 101 }, (_, index) => `a${index}: eventCursor`).join(' ')} }`,
    'number of root fields',
  ],
  ['fragments that double at each level', fragmentBomb(40), 'depth'],
])('an operation with %s is refused before any data is loaded', async (_name, query, measure) => {
  const answer = await graphql(server, query, {}, { token })
  expect(answer.data ?? null, JSON.stringify(answer).slice(0, 300)).toBeNull()
  expect(answer.errors?.[0]).toMatchObject({ extensions: { code: 'QUERY_TOO_COMPLEX' } })
  expect(answer.errors?.[0]?.message).toContain(`its ${measure} is`)
})

test('a document with too many tokens is refused before it is parsed', async () => {
  const answer = await graphql(server, `{ ${'me { id } '.repeat(3_000)} }`, {}, { token })
  expect(answer.errors?.[0]).toMatchObject({ extensions: { code: 'BAD_REQUEST' } })
})
