import { beforeAll, expect, test } from 'vitest'
import { rest } from '../support/clients.ts'
import { problemsOf, refered, type Schema } from '../support/json-schema.ts'
import { type DescribedOperation, type Document, operationsOf } from '../support/openapi-document.ts'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

let server: TestServer
let token: string
let document: Document

beforeAll(async () => {
  server = await sharedServer()
  token = (await signUp(server)).token
  document = (await rest(server, 'GET /openapi.json')).body
})

const MISSING = '01980000-0000-7000-8000-000000000000'

interface Body extends DescribedOperation {
  schema: Schema
  example: Record<string, unknown>
}

/** Returns the operations with a JSON body, with its schema and example. */
const bodies = (): Body[] =>
  operationsOf(document).flatMap((one) => {
    const media = one.operation.requestBody?.content['application/json']
    // Bytes have no schema.
    if (!media || media.schema.format === 'binary') return []
    const schema = '$ref' in media.schema ? refered(document, String(media.schema.$ref)) : media.schema
    return [{ ...one, schema, example: media.example as Record<string, unknown> }]
  })

const send = ({ method, path }: Body, body: object) =>
  rest(server, `${method} ${path.replace(/\{\w+\}/g, MISSING)}`, { token, body })

const takesNull = (schema: Schema) =>
  [schema.type].flat().includes('null') || ((schema.anyOf ?? []) as Schema[]).some((one) => one.type === 'null')

test('every example matches its schema', () => {
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    const examples = schema.examples as unknown[] | undefined
    expect(examples?.length, `${name} has no example`).toBeGreaterThan(0)
    for (const example of examples ?? []) expect(problemsOf(example, schema, document), name).toEqual([])
  }
  for (const { name, operation } of operationsOf(document)) {
    const content = operation.requestBody?.content ?? {}
    // A file has none.
    if ('*/*' in content) continue
    for (const { schema, example } of Object.values(content)) {
      expect(example, `${name} has no example`).toBeDefined()
      expect(problemsOf(example, schema, document), name).toEqual([])
    }
  }
  for (const [name, { content }] of Object.entries(document.components.responses)) {
    for (const { schema, example } of Object.values(content as Record<string, { schema: Schema; example: unknown }>))
      expect(problemsOf(example, schema, document), name).toEqual([])
  }
})

test('the server accepts every example body', async () => {
  expect(bodies().length).toBeGreaterThan(15)
  for (const body of bodies()) {
    const { status, text } = await send(body, body.example)
    // A valid body may still fail later, on an unknown id or a missing role.
    expect([200, 201, 204, 401, 403, 404, 409], `${body.name} answered ${status} ${text}`).toContain(status)
  }
})

test('null is rejected exactly where the schema does not allow it', async () => {
  let refused = 0
  for (const body of bodies()) {
    for (const [property, schema] of Object.entries(body.schema.properties as Record<string, Schema>)) {
      const { status, body: answer, text } = await send(body, { ...body.example, [property]: null })
      const reported = (answer?.errors ?? []).some(
        ({ path, message }: { path: string[]; message: string }) =>
          path[0] === 'body' && path[1] === property && /null|is required$/.test(message),
      )
      const what = `${body.name} with ${property}: null answered ${status} ${text}`
      if (takesNull(schema)) expect(status === 422 && reported, what).toBe(false)
      else expect({ status, reported }, what).toEqual({ status: 422, reported: true })
      refused += takesNull(schema) ? 0 : 1
    }
  }
  expect(refused).toBeGreaterThan(20)
})

test('schemas allow null only for fields that can be cleared, and list the values of enums', async () => {
  const { UpdateTaskInput, CreateApiKeyInput, ApiKey } = document.components.schemas as Record<
    string,
    { properties: Record<string, { items: Schema }> }
  >
  expect(UpdateTaskInput!.properties).toMatchObject({
    title: { type: 'string' },
    priority: { type: 'integer' },
    status: { $ref: '#/components/schemas/TaskStatus' },
    description: { type: ['string', 'null'] },
  })
  const scopes = ['tasks:read', 'tasks:write', 'projects:read', 'projects:write', 'admin']
  for (const component of [CreateApiKeyInput, ApiKey])
    expect(component!.properties.scopes!.items).toEqual({ type: 'string', enum: scopes })
  const refused = await rest(server, 'POST /api-keys', { token, body: { name: 'A', scopes: ['tasks:burn'] } })
  expect(refused.body.errors, refused.text).toMatchObject([{ path: ['body', 'scopes', 0] }])
})
