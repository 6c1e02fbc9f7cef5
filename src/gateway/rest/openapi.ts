import { type GraphQLArgument, type GraphQLNamedType, getNamedType, isInputObjectType } from 'graphql'
import type { Engine } from '../engine.ts'
import { ERROR_CODES, type ErrorCode } from '../errors.ts'
import type { ExtraRoute } from './extra.ts'
import { componentOf, type JsonSchema } from './json-schema.ts'
import { errorsOf, type OpenApiInfo, routeOperation, streamOperation, tagOf } from './openapi-operation.ts'
import { queryParameters } from './parameters.ts'
import type { Route } from './routes.ts'
import type { StreamRoute } from './stream.ts'
import { isConnection } from './view.ts'

interface Source {
  engine: Engine
  routes: readonly Route[]
  streams: readonly StreamRoute[]
  extra: readonly Pick<ExtraRoute<never>, 'method' | 'path' | 'openapi'>[]
  basePath: string
  info: OpenApiInfo
}

/** The OpenAPI 3.1 document of the routes: the types are the schema's, the limits those the server enforces. */
export function openApiDocument({ engine, routes, streams, extra, basePath, info }: Source): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {}
  const add = (path: string, method: string, operation: JsonSchema) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation }
  }
  for (const route of routes) add(route.path, route.method, routeOperation(route, info))
  for (const stream of streams) add(stream.path, 'GET', streamOperation(stream, info))
  for (const { path, method, openapi } of extra) add(path, method, extraOperation(openapi))
  const tags = new Set([...routes, ...streams].map((route) => tagOf(route)))
  return {
    openapi: '3.1.1',
    info: {
      title: info.title,
      version: info.version,
      description: info.description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: basePath }],
    tags: [...tags].sort().map((name) => ({ name })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: info.securitySchemes,
      responses: errorResponses(),
      schemas: { ...typeComponents(engine, routes, streams), Problem: PROBLEM },
    },
  }
}

/** A hand-written operation with the errors it names put in. */
function extraOperation({ 'x-errors': codes, ...operation }: JsonSchema): JsonSchema {
  const errors = Object.fromEntries((codes as ErrorCode[]).map((code) => [code, true]))
  return { ...operation, responses: { ...(operation.responses as JsonSchema), ...errorsOf(errors) } }
}

function errorResponses(): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(ERROR_CODES).map(([code, { title }]) => [
      code,
      {
        description: title,
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  )
}

/** Every named type that a route's answer or body reaches. */
function typeComponents(
  engine: Engine,
  routes: readonly Route[],
  streams: readonly StreamRoute[],
): Record<string, JsonSchema> {
  const components = new Map<string, JsonSchema>()
  const visit = (type: GraphQLNamedType): void => {
    if (components.has(type.name)) return
    const component = componentOf(engine.schema.getType(type.name) ?? type)
    if (!component) return
    const shown = isConnection(type) ? withoutEdges(component) : component
    components.set(type.name, shown)
    const names = JSON.stringify(shown).matchAll(/"#\/components\/schemas\/(\w+)"/g)
    for (const [, name] of names) {
      const next = engine.schema.getType(String(name))
      if (next) visit(next)
    }
  }
  for (const { field, rest } of [...routes, ...streams]) {
    const written = queryParameters(field.args).filter(({ form }) => form === 'json')
    const isJson = ({ name }: GraphQLArgument) =>
      ('body' in rest && rest.body === name) || written.some((parameter) => parameter.name === name)
    visit(getNamedType(field.type))
    for (const arg of field.args) {
      const type = getNamedType(arg.type)
      if (!isInputObjectType(type) || isJson(arg)) visit(type)
    }
  }
  return Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function withoutEdges(component: JsonSchema): JsonSchema {
  const { edges: _, ...properties } = component.properties as Record<string, JsonSchema>
  return { ...component, properties, required: (component.required as string[]).filter((name) => name !== 'edges') }
}

const PROBLEM: JsonSchema = {
  type: 'object',
  description: 'An error as RFC 9457 has it.',
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(ERROR_CODES) },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          path: { type: 'array', items: { type: ['string', 'integer'] } },
          code: { type: 'string' },
          message: { type: 'string' },
        },
        required: ['path', 'code', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
}
