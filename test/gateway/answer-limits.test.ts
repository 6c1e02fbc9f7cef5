import { beforeAll, describe, expect, test } from 'vitest'
import { graphql, rest } from '../support/clients.ts'
import { freshServerForTest, sharedServer, signUp, type TestServer, type TestUser } from '../support/server.ts'

let server: TestServer
let person: TestUser
let token: string

beforeAll(async () => {
  server = await sharedServer()
  person = await signUp(server)
  token = person.token
})

const OFF = { RATE_LIMIT: 'off' }

/** Creates tasks in the inbox of a new person. */
async function withTasks(count: number, item: object): Promise<string> {
  const { token } = await signUp(server)
  const items = Array.from({ length: count }, (_, index) => ({ title: `Task ${index}`, ...item }))
  const { body } = await rest(server, 'POST /tasks/bulk', { token, body: { items } })
  expect(body.succeeded).toBe(count)
  return token
}

describe('an answer', () => {
  test('has at most ANSWER_OBJECT_LIMIT objects', async () => {
    const token = await withTasks(100, {})
    const strict = await freshServerForTest({ ...OFF, ANSWER_OBJECT_LIMIT: '1000' })
    // Ten pages, each a connection and 99 tasks, and the answer itself.
    const pages = (count: number, first: number) =>
      `{ ${Array.from({ length: count }, (_, index) => `a${index}: tasks(first: ${first}) { nodes { id } }`).join(' ')} }`
    const fits = await graphql(strict, pages(10, 98), {}, { token })
    expect([fits.errors, Object.keys(fits.data)]).toEqual([undefined, expect.objectContaining({ length: 10 })])
    const { data, errors } = await graphql(strict, pages(10, 100), {}, { token })
    expect(data).toBeNull()
    expect(errors).toHaveLength(1)
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'QUERY_TOO_COMPLEX' } })
    expect(errors?.[0]?.message).toContain('over 1000 objects, the limit (ANSWER_OBJECT_LIMIT)')
  })

  test('has at most ANSWER_LIMIT bytes, escapes included, in GraphQL and REST', async () => {
    const strict = await freshServerForTest({ ...OFF, ANSWER_LIMIT: '65536' })
    const plain = await withTasks(20, { description: 'x'.repeat(2_000) })
    const escaped = await withTasks(20, { description: '\u0001'.repeat(2_000) })
    const query = '{ tasks { nodes { description } } }'
    expect((await graphql(strict, query, {}, { token: plain })).errors).toBeUndefined()
    expect((await rest(strict, 'GET /tasks', { token: plain })).status).toBe(200)
    const refused = await graphql(strict, query, {}, { token: escaped })
    expect(refused).toMatchObject({ data: null, errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] })
    expect(refused.errors?.[0]?.message).toContain('over 65536 bytes, the limit (ANSWER_LIMIT)')
    const overRest = await rest(strict, 'GET /tasks', { token: escaped })
    expect([overRest.status, overRest.body.code]).toEqual([400, 'QUERY_TOO_COMPLEX'])
    expect(strict.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('of a bulk operation may be ten times as large', async () => {
    const strict = await freshServerForTest({ ...OFF, ANSWER_LIMIT: '100000', ANSWER_OBJECT_LIMIT: '1000' })
    const items = Array.from({ length: 1_000 }, () => ({ title: 'x'.repeat(100) }))
    const { status, body } = await rest(strict, 'POST /tasks/bulk', { token, body: { items, dryRun: true } })
    expect([status, body.succeeded]).toEqual([200, 1_000])
  })

  test('that is too large keeps the mutations before it, and none after it runs', async () => {
    const strict = await freshServerForTest({ ...OFF, ANSWER_LIMIT: '65536' })
    const description = '\u0001'.repeat(2_000)
    const fields = Array.from({ length: 20 }, (_, index) => `d${index}: description`).join(' ')
    const mutation = `mutation ($description: String) {
      a: createTask(input: {title: "first"}) { title }
      b: createTask(input: {title: "second", description: $description}) { ${fields} }
      c: createTask(input: {title: "third"}) { title }
    }`
    const { token } = await signUp(strict)
    const { data, errors } = await graphql(strict, mutation, { description }, { token })
    expect(data).toEqual({ a: { title: 'first' }, b: null, c: null })
    expect(errors?.map(({ path, extensions: { code } }) => [path, code])).toEqual([
      [['b'], 'QUERY_TOO_COMPLEX'],
      [['c'], 'QUERY_TOO_COMPLEX'],
    ])
    expect(errors?.[1]?.message).toContain('did not run')
    const made = await rest(server, 'GET /tasks?fields=title', { token })
    expect(made.body.nodes.map(({ title }: { title: string }) => title)).toEqual(['first', 'second'])
  })
})

describe('variables and bodies', () => {
  const LIST = 'query ($types: [String!]) { events(types: $types) { nodes { type } } }'

  test('have at most VALUE_LIMIT fields and list items', async () => {
    const strict = await freshServerForTest({ ...OFF, VALUE_LIMIT: '100' })
    const types = (count: number) => ({ types: Array.from({ length: count }, () => 'nonsense') })
    // The list itself is refused by its own rule.
    const issues = async (count: number) =>
      (await graphql(strict, LIST, types(count), { token })).errors?.[0]?.extensions.issues?.map(({ code }) => code)
    expect(await issues(100)).not.toContain('too_large')
    expect(await issues(101)).toEqual(['too_large'])
    const body = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, 1]))
    const codes = async (count: number) =>
      (await rest(strict, 'POST /tasks', { token, body: body(count) })).body.errors.map(
        ({ code }: { code: string }) => code,
      )
    expect(new Set(await codes(100))).not.toContain('too_large')
    expect(await codes(101)).toEqual(['too_large'])
    const items = Array.from({ length: 300 }, () => ({ title: 'A task', priority: 2 }))
    const bulk = await rest(strict, 'POST /tasks/bulk', { token, body: { items, dryRun: true } })
    expect([bulk.status, bulk.body.succeeded]).toEqual([200, 300])
    const over = await rest(strict, 'POST /tasks/bulk', { token, body: { items: [...items, ...items] } })
    expect([over.status, over.body.errors]).toEqual([
      422,
      [expect.objectContaining({ path: ['body'], code: 'too_large' })],
    ])
  })

  test('with many invalid parts report the first hundred', async () => {
    const filter = Object.fromEntries(Array.from({ length: 9_000 }, (_, index) => [`priorit${index}`, index]))
    const query = 'query ($filter: TaskFilter) { tasks(filter: $filter) { totalCount } }'
    const { errors } = await graphql(server, query, { filter }, { token })
    expect(errors).toHaveLength(1)
    expect(errors?.[0]?.extensions.issues).toHaveLength(100)
    expect(JSON.stringify(errors).length).toBeLessThan(30_000)
    const parameters = Array.from({ length: 1_500 }, (_, index) => `x${index}=1`).join('&')
    const { status, body, text } = await rest(server, `GET /tasks?${parameters}`, { token })
    expect([status, body.errors.length]).toEqual([422, 100])
    expect(text.length).toBeLessThan(30_000)
  })

  test('of 50,000 unknown fields are refused at once', async () => {
    const filter = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`f${index}`, index]))
    const query = 'query ($filter: TaskFilter) { tasks(filter: $filter) { totalCount } }'
    const { errors } = await graphql(server, query, { filter }, { token })
    expect(errors).toMatchObject([{ extensions: { issues: [{ path: ['filter'], code: 'too_large' }] } }])
    expect(errors?.[0]?.message).toContain('VALUE_LIMIT')
  })
})

test('the relations of a task on a page cost what is requested', async () => {
  const page = (relations: string) =>
    `{ tasks(first: 100) { nodes { id assignees { id name } labels { id name color } project { id name } ${relations} { id type relatedTask { id title } } } } }`
  expect((await graphql(server, page('relations'), {}, { token })).errors).toBeUndefined()
  const { errors } = await graphql(server, page('relations(first: 1000)'), {}, { token })
  expect(errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }])
  expect(errors?.[0]?.message).toContain('COMPLEXITY_LIMIT')
  const nested = '{ tasks { nodes { relations { relatedTask { relations { relatedTask { id } } } } } } }'
  expect((await graphql(server, nested, {}, { token })).errors).toMatchObject([
    { extensions: { code: 'QUERY_TOO_COMPLEX' } },
  ])
})
