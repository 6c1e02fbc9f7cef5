import { parse, validate } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema as graphqlSchema } from '../../src/app/schema.ts'
import { graphql, rest } from '../support/clients.ts'
import { textFile } from '../support/files.ts'
import { problemsOf } from '../support/json-schema.ts'
import { type DescribedOperation, type Document, operationsOf } from '../support/openapi-document.ts'
import { type OwnServer, ownServer, signUp } from '../support/server.ts'

let server: OwnServer
let token: string
let document: Document
let ids: Record<string, string>

beforeAll(async () => {
  server = await ownServer({ RATE_LIMIT: 'off' })
  const admin = await signUp(server)
  token = admin.token
  document = (await rest(server, 'GET /openapi.json')).body
  const parent = (await rest(server, 'POST /tasks', { token, body: { title: 'Whole' } })).body
  const projectId = parent.projectId
  const label = (await rest(server, `POST /projects/${projectId}/labels`, { token, body: { name: 'bug' } })).body
  const body = { title: 'Part', parentId: parent.id, labelIds: [label.id], assigneeIds: [admin.id] }
  const task = (await rest(server, 'POST /tasks', { token, body })).body
  const relation = { type: 'BLOCKS', relatedTaskId: parent.id }
  await rest(server, `POST /tasks/${task.id}/relations`, { token, body: relation })
  await rest(server, 'POST /api-keys', { token, body: { name: 'A key', scopes: ['tasks:read'] } })
  ids = { tasks: task.id, projects: projectId, users: admin.id }
  await createFromExamples()
})
afterAll(() => server?.close())

/** Creates one of each further noun that is read by id, with the example of its documentation. */
async function createFromExamples() {
  const operations = operationsOf(document)
  for (const described of operations) {
    const { method, path, operation } = described
    const noun = path.split('/').at(-1)!
    const isRead = operations.some((one) => one.name === `GET /${noun}/{id}`)
    if (method !== 'POST' || !isRead || ids[noun]) continue
    const { content } = operation.requestBody!
    const body = '*/*' in content ? textFile() : content['application/json']!.example
    ids[noun] = (await rest(server, `POST ${pathOf(described)}`, { token, body })).body.id
  }
}

const reads = () =>
  operationsOf(document).filter(
    ({ method, operation }) => method === 'GET' && operation.responses[200]?.content?.['application/json'],
  )

/** Fills a path with an existing id for the noun before each parameter. */
const pathOf = ({ path }: DescribedOperation) =>
  path.replace(/\/([\w-]+)\/\{\w+\}/g, (_, noun: string) => `/${noun}/${ids[noun] ?? noun}`)

const namesOf = ({ operation }: DescribedOperation, parameter: 'fields' | 'include') =>
  (operation.parameters?.find((one) => one.name === parameter)?.schema.items as { enum?: string[] })?.enum ?? []

test('every `include` name embeds data that matches its schema, and unlisted names are rejected', async () => {
  let embedded = 0
  for (const read of reads()) {
    const schema = read.operation.responses[200]!.content!['application/json']!.schema
    const names = namesOf(read, 'include')
    for (const include of [...names, names.join(',')].filter((name) => name !== '')) {
      const { status, body, text } = await rest(server, `GET ${pathOf(read)}?include=${include}`, { token })
      const what = `${read.name}?include=${include} answered ${text}`
      expect(status, what).toBe(200)
      expect(problemsOf(body, schema, document), what).toEqual([])
      const item = body.nodes ? { ...body, ...body.nodes[0] } : body
      if (!body.nodes || body.nodes.length > 0)
        for (const name of include.split(',')) expect(item, what).toHaveProperty(name)
      embedded++
    }
    for (const name of ['totalCount', 'nodes', 'pageInfo', 'edges', 'id', 'nothing'].filter(
      (one) => !names.includes(one),
    )) {
      const { status, text } = await rest(server, `GET ${pathOf(read)}?include=${name}`, { token })
      expect(status, `${read.name}?include=${name} answered ${text}`).toBe(422)
    }
  }
  expect(embedded).toBeGreaterThan(20)
})

test('every `fields` name selects only that field of the response', async () => {
  for (const read of reads()) {
    for (const name of namesOf(read, 'fields')) {
      const { status, body, text } = await rest(server, `GET ${pathOf(read)}?fields=${name}`, { token })
      expect(status, `${read.name}?fields=${name} answered ${text}`).toBe(200)
      const items: object[] = body.nodes ?? [body]
      for (const item of items) expect(Object.keys(item), `${read.name}?fields=${name}`).toEqual([name])
    }
  }
})

test('writes accept the same `fields` and `include` names as reads', async () => {
  const byId = new Map(operationsOf(document).map((one) => [one.operation.operationId, one]))
  for (const parameter of ['fields', 'include'] as const)
    expect(namesOf(byId.get('updateTask')!, parameter)).toEqual(namesOf(byId.get('task')!, parameter))
  const everything = namesOf(byId.get('createTask')!, 'include').join(',')
  const created = await rest(server, `POST /tasks?include=${everything}`, { token, body: { title: 'A' } })
  expect(created.status, created.text).toBe(201)
})

test('a full page can embed everything at once', async () => {
  for (const read of reads()) {
    if (!read.operation.parameters?.some(({ name }) => name === 'limit')) continue
    const include = namesOf(read, 'include').join(',')
    const { status, text } = await rest(server, `GET ${pathOf(read)}?limit=100&include=${include}`, { token })
    expect(status, `${read.name} answered ${text.slice(0, 300)}`).toBe(200)
  }
})

test('every described GraphQL document is valid and returns what its route returns', async () => {
  const described = operationsOf(document).flatMap((one) => one.operation['x-graphql-operation'] ?? [])
  expect(described.length).toBeGreaterThan(30)
  for (const { field, document: text } of described) {
    expect(validate(graphqlSchema, parse(text)), field).toEqual([])
    const [type = '', name = ''] = field.split('.')
    expect(text, field).toMatch(new RegExp(`^${type.toLowerCase()} [^]*\\b${name}\\b`))
    if (type === 'Subscription') continue
    // Without variables a document may fail or run, but it must never be a BAD_REQUEST.
    const { errors = [] } = await graphql(server, text, {}, { token: 'of-nobody' })
    for (const error of errors) expect(error.extensions.code, `${field}: ${error.message}`).not.toBe('BAD_REQUEST')
  }
  for (const [operationId, path, variables] of [
    ['me', '/me', {}],
    ['task', `/tasks/${ids.tasks}`, { id: ids.tasks }],
    ['tasks', '/tasks', { first: 20 }],
    ['projects', '/projects', { first: 20 }],
  ] as const) {
    const { operation } = operationsOf(document).find((one) => one.operation.operationId === operationId)!
    const { data, errors } = await graphql(server, operation['x-graphql-operation']!.document, variables, { token })
    expect(errors, operationId).toBeUndefined()
    const whole = (await rest(server, `GET ${path}`, { token })).body
    expect(data[operationId], operationId).toMatchObject(whole)
  }
})

test('the description of every GraphQL field ends with its REST route', () => {
  const twins = new Map<string, string[]>()
  for (const { method, path, operation } of operationsOf(document)) {
    const { field } = operation['x-graphql-operation'] ?? {}
    if (field) twins.set(field, [...(twins.get(field) ?? []), `${method} /api/v1${path}`])
  }
  for (const root of [
    graphqlSchema.getQueryType(),
    graphqlSchema.getMutationType(),
    graphqlSchema.getSubscriptionType(),
  ]) {
    for (const field of Object.values(root!.getFields())) {
      const name = `${root!.name}.${field.name}`
      const [, reported = ''] = /REST: (.*?)(?: \(Server-Sent Events\))?\.$/.exec(field.description ?? '') ?? []
      if (twins.has(name)) expect(reported.split(', ').sort(), name).toEqual(twins.get(name)?.sort())
      else expect(field.description, name).toContain('GraphQL only: ')
    }
  }
  for (const { name, operation } of operationsOf(document)) expect(operation.description, name).not.toContain('REST: ')
})
