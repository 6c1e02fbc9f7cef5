import { beforeAll, describe, expect, test } from 'vitest'
import { schema as graphqlSchema } from '../../src/app/schema.ts'
import { rest } from '../support/clients.ts'
import { problemsOf, refered } from '../support/json-schema.ts'
import { type DescribedOperation, type Document, operationsOf } from '../support/openapi-document.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string
let document: Document
let operations: DescribedOperation[]

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
  document = (await rest(server, 'GET /openapi.json')).body
  operations = operationsOf(document)
})

const MISSING = '01980000-0000-7000-8000-000000000000'
const withIds = (path: string, id: string) => path.replace(/\{\w+\}/g, id)
/** Operations derived from the schema. Handwritten ones are tested next to their code. */
const derived = () => operations.filter(({ operation }) => operation['x-graphql-operation'] !== undefined)
/** Operations that return JSON. A stream would not end. */
const plain = () => operations.filter(({ operation }) => !operation.responses[200]?.content?.['text/event-stream'])

describe('the routes', () => {
  test('respond with a described status', async () => {
    expect(operations.length).toBeGreaterThan(10)
    for (const { method, path, name, operation } of derived()) {
      const { status, text } = await rest(server, `${method} ${withIds(path, MISSING)}`)
      expect([401, 422], `${name} answered ${status} ${text}`).toContain(status)
      expect(Object.keys(operation.responses), name).toContain(String(status))
    }
  })

  test('include every core route and have unique operation ids', () => {
    expect(operations.map(({ name }) => name).sort()).toEqual(
      expect.arrayContaining([
        'DELETE /tasks/{id}',
        'GET /events',
        'GET /events/cursor',
        'GET /events/stream',
        'GET /me',
        'GET /projects',
        'GET /projects/{id}',
        'GET /tasks',
        'GET /tasks/events',
        'GET /tasks/{id}',
        'PATCH /tasks/{id}',
        'POST /auth/register',
        'POST /auth/sign-in',
        'POST /projects',
        'POST /tasks',
        'PUT /tasks/{id}',
      ]),
    )
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('accept every described query parameter', async () => {
    for (const { method, path, name, operation } of plain().filter((one) => one.method === 'GET')) {
      for (const { name: parameter } of (operation.parameters ?? []).filter((one) => one.in === 'query')) {
        const { body, text } = await rest(server, `${method} ${withIds(path, 'x')}?${parameter}=%00`, { token })
        const unknown = body.errors?.filter((issue: { code: string }) => issue.code === 'unknown_parameter') ?? []
        expect(unknown, `${name}?${parameter} answered ${text}`).toEqual([])
      }
    }
  })

  test('are public exactly where the description says so', async () => {
    for (const { method, path, name, operation } of operations) {
      const { status } = await rest(server, `${method} ${withIds(path, MISSING)}`, {
        body: method === 'GET' ? undefined : {},
      })
      const isPublic = operation.security?.some((one) => Object.keys(one).length === 0) ?? false
      if (isPublic) expect(status, name).not.toBe(401)
      else if (operation.requestBody === undefined) expect(status, name).toBe(401)
    }
  })
})

describe('GraphQL and the OpenAPI document', () => {
  const fields = () =>
    [graphqlSchema.getQueryType(), graphqlSchema.getMutationType(), graphqlSchema.getSubscriptionType()].flatMap(
      (type) => Object.values(type?.getFields() ?? {}).map((field) => ({ name: `${type?.name}.${field.name}`, field })),
    )

  test('give every operation a REST route or a reason for having none', () => {
    const described = new Set(operations.map(({ operation }) => operation['x-graphql-operation']?.field))
    for (const { name, field } of fields()) {
      const rest = field.extensions.rest as { none?: string } | undefined
      expect(rest, name).toBeDefined()
      if (rest?.none === undefined) expect(described, name).toContain(name)
      else expect(rest.none.length, `${name} needs a reason`).toBeGreaterThan(10)
    }
  })

  test('describe every route and its GraphQL field in the same words', () => {
    const known = new Map(fields().map(({ name, field }) => [name, field]))
    for (const { name, operation } of derived()) {
      const field = known.get(operation['x-graphql-operation']?.field ?? '')
      expect(field, `${name}: ${operation['x-graphql-operation']?.field}`).toBeDefined()
      expect(field?.description, name).toContain(operation.summary)
    }
  })
})

describe('the OpenAPI 3.1 document', () => {
  test('has a valid version, title, server and tags', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/)
    expect(document.info).toMatchObject({ title: 'Taskwire', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(document.servers).toMatchObject([{ url: '/api/v1' }])
    const tags = document.tags.map((tag) => tag.name)
    expect(new Set(tags).size).toBe(tags.length)
    for (const tag of document.tags) expect(tag.description, tag.name).toEqual(expect.any(String))
    for (const { name, operation } of operations) {
      expect(
        operation.tags.every((tag) => tags.includes(tag)),
        name,
      ).toBe(true)
    }
  })

  test('resolves every reference and uses every component', () => {
    const text = JSON.stringify(document)
    const refs = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!))
    for (const ref of refs) expect(refered(document, ref)).toBeDefined()
    for (const kind of ['schemas', 'responses', 'headers'] as const) {
      for (const name of Object.keys(document.components[kind])) expect(refs).toContain(`#/components/${kind}/${name}`)
    }
  })

  test('describes every path parameter, and no parameter twice', () => {
    for (const { path, name, operation } of operations) {
      const parameters = operation.parameters ?? []
      const inPath = parameters.filter((one) => one.in === 'path')
      expect(
        inPath.map((one) => `{${one.name}}`),
        name,
      ).toEqual(path.match(/\{\w+\}/g) ?? [])
      expect(
        inPath.every((one) => one.required),
        name,
      ).toBe(true)
      expect(
        parameters.every((one) => typeof (one.schema ?? one.content) === 'object'),
        name,
      ).toBe(true)
      const keys = parameters.map((one) => `${one.in} ${one.name}`)
      expect(new Set(keys).size, name).toBe(keys.length)
    }
  })

  /** What they delete must be confirmed. A password must not be in a URL, which logs show. */
  const CONFIRMED = ['DELETE /me', 'DELETE /admin/tasks']

  test('gives every operation one success, problem errors and a body only where allowed', () => {
    for (const { method, name, operation } of derived()) {
      const statuses = Object.keys(operation.responses)
      expect(
        statuses.filter((status) => status.startsWith('2')),
        name,
      ).toHaveLength(1)
      for (const [status, response] of Object.entries(operation.responses)) {
        const whole = response.$ref ? refered(document, response.$ref) : response
        expect(whole.description, `${name} ${status}`).toEqual(expect.any(String))
        if (Number(status) >= 400)
          expect(Object.keys(whole.content as object), name).toEqual(['application/problem+json'])
        if (['204', '304'].includes(status)) expect(whole.content, `${name} ${status}`).toBeUndefined()
      }
      if (method === 'GET' || (method === 'DELETE' && !CONFIRMED.includes(name)))
        expect(operation.requestBody, name).toBeUndefined()
      for (const scheme of (operation.security ?? document.security).flatMap(Object.keys)) {
        expect(Object.keys(document.components.securitySchemes), name).toContain(scheme)
      }
    }
  })

  test('expresses null by type, requires only existing properties and uses only known types', () => {
    const problems: string[] = []
    const visit = (place: unknown, path: string): void => {
      if (typeof place !== 'object' || place === null) return
      const { type, required, properties, nullable } = place as Record<string, unknown>
      if (nullable !== undefined) problems.push(`${path}: nullable is OpenAPI 3.0`)
      if (typeof type === 'string' || Array.isArray(type)) {
        const known = ['string', 'integer', 'number', 'boolean', 'array', 'object', 'null', 'http', 'apiKey', 'oauth2']
        if (![type].flat().every((one) => known.includes(one))) problems.push(`${path}: type ${type}`)
      }
      if (Array.isArray(required) && properties) {
        for (const name of required) if (!(name in (properties as object))) problems.push(`${path}: requires ${name}`)
      }
      for (const [name, inner] of Object.entries(place)) {
        // Skip examples: their fields may be called type or required.
        if (name !== 'examples' && name !== 'example') visit(inner, `${path}/${name}`)
      }
    }
    visit(document.components, 'components')
    visit(document.paths, 'paths')
    expect(problems).toEqual([])
  })

  test('contains the limits the server enforces', () => {
    const { CreateTaskInput, UpdateTaskInput } = document.components.schemas
    expect(CreateTaskInput).toMatchObject({
      required: ['title'],
      additionalProperties: false,
      properties: {
        title: { type: 'string', minLength: 1, maxLength: 200 },
        description: { type: ['string', 'null'], maxLength: 2000 },
        priority: { minimum: 1, maximum: 5 },
        dueAt: { format: 'date-time' },
      },
    })
    expect(UpdateTaskInput).not.toHaveProperty('required')
    const limit = document.paths['/tasks']!.get!.parameters?.find((one) => one.name === 'limit')
    expect(limit?.schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 100, default: 20 })
  })
})

test('responses match their schemas exactly', async () => {
  const created = await rest(server, 'POST /tasks', { token, body: { title: 'A', dueAt: '2027-01-31' } })
  const project = created.body.projectId
  await rest(server, `PATCH /tasks/${created.body.id}`, { token, body: { dueAt: null, status: 'COMPLETED' } })
  const samples: [string, string, object?][] = [
    ['POST /tasks', '/tasks', { title: 'B' }],
    ['POST /projects', '/projects', { name: 'B' }],
    ['POST /auth/register', '/auth/register', { email: 'described@example.org', password: 'long enough', name: 'D' }],
    ['POST /auth/sign-in', '/auth/sign-in', { email: 'described@example.org', password: 'long enough' }],
    ['PATCH /tasks/{id}', `/tasks/${created.body.id}`, { title: 'C' }],
    ['PUT /tasks/{id}', `/tasks/${created.body.id}`, { title: 'C' }],
    ['GET /tasks/{id}', `/tasks/${created.body.id}`],
    ['GET /tasks', '/tasks?include=totalCount'],
    ['GET /projects', '/projects'],
    ['GET /projects/{id}', `/projects/${project}`],
    ['GET /events', '/events?limit=100'],
    ['GET /events/cursor', '/events/cursor'],
    ['GET /me', '/me'],
    ['GET /tasks/{id}', '/tasks/nonsense'],
    ['GET /tasks', '/tasks?limit=0&colour=red'],
    ['POST /tasks', '/tasks', {}],
  ]
  for (const [name, target, body] of samples) {
    const { status, body: answer, text } = await rest(server, `${name.split(' ')[0]} ${target}`, { token, body })
    const operation = operations.find((one) => one.name === name)!.operation
    const response = operation.responses[status]
    expect(response, `${name} answered ${status} ${text}`).toBeDefined()
    const whole = (response?.$ref ? refered(document, response.$ref) : response) as typeof response
    const [described] = Object.values(whole?.content ?? {})
    expect(problemsOf(answer, described?.schema ?? {}, document), `${name} answered ${text}`).toEqual([])
  }
})
