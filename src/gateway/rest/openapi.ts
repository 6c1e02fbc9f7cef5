import {
  type GraphQLField,
  type GraphQLNamedType,
  GraphQLNonNull,
  getNamedType,
  isInputObjectType,
  isObjectType,
} from 'graphql'
import type { Engine } from '../engine.ts'
import { ERROR_CODES, type ErrorCode } from '../errors.ts'
import { planInput } from './input.ts'
import { componentOf, described, type JsonSchema, limitsAt, schemaOf } from './json-schema.ts'
import { orderEnums, orderNames, type QueryParameter } from './parameters.ts'
import type { Route } from './routes.ts'
import type { StreamRoute } from './stream.ts'
import { isConnection, nullable } from './view.ts'

export interface OpenApiInfo {
  title: string
  version: string
  description: string
  /** Whether a field answers without a credential. */
  isPublic: (field: GraphQLField<unknown, unknown>) => boolean
}

interface Source {
  engine: Engine
  routes: readonly Route[]
  streams: readonly StreamRoute[]
  basePath: string
  info: OpenApiInfo
}

/** The OpenAPI 3.1 document of the routes: the types are the schema's, the limits those the server enforces. */
export function openApiDocument({ engine, routes, streams, basePath, info }: Source): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {}
  const add = (path: string, method: string, operation: JsonSchema) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation }
  }
  for (const route of routes) add(route.path, route.method, routeOperation(route, info))
  for (const stream of streams) add(stream.path, 'GET', streamOperation(stream, info))
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
    security: [{ bearer: [] }],
    tags: [...tags].sort().map((name) => ({ name })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An access token.' } },
      responses: errorResponses(),
      schemas: { ...typeComponents(engine, routes, streams), Problem: PROBLEM },
    },
  }
}

function routeOperation(route: Route, info: OpenApiInfo): JsonSchema {
  const plan = planInput(route)
  const body = route.args.find((arg) => arg.name === plan.body)
  const isPublic = info.isPublic(route.field)
  return {
    ...operationHead(route, info),
    'x-graphql-operation': `${route.kind === 'query' ? 'Query' : 'Mutation'}.${route.fieldName}`,
    parameters: [
      ...route.pathParameters.map((name) => pathParameter(route, name)),
      ...[...plan.query.values()].map((parameter) => queryParameter(parameter, route)),
      ...representationParameters(route),
      ...(plan.readsVersion ? [IF_MATCH] : []),
    ],
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body.type) } } },
    }),
    responses: {
      [route.status]: successResponse(route),
      ...(route.method === 'GET' && { 304: { description: 'Not modified: `If-None-Match` names the present ETag.' } }),
      ...errorsOf({
        BAD_REQUEST: true,
        UNAUTHENTICATED: !isPublic || body !== undefined,
        FORBIDDEN: !isPublic,
        NOT_FOUND: !isPublic,
        NOT_ACCEPTABLE: true,
        CONFLICT: route.kind === 'mutation',
        CURSOR_EXPIRED: plan.query.has('after'),
        PRECONDITION_FAILED: plan.readsVersion,
        PAYLOAD_TOO_LARGE: route.method !== 'GET',
        UNSUPPORTED_MEDIA_TYPE: route.method !== 'GET',
        VALIDATION_FAILED: true,
      }),
    },
  }
}

function streamOperation(stream: StreamRoute, info: OpenApiInfo): JsonSchema {
  const plan = planInput({ args: stream.field.args, pathParameters: [], rest: {} })
  return {
    ...operationHead(stream, info),
    'x-graphql-operation': `Subscription.${stream.fieldName}`,
    parameters: [
      ...[...plan.query.values()].map((parameter) => queryParameter(parameter, stream)),
      header('Last-Event-ID', { type: 'string' }, `The last \`id:\` seen; wins over \`${stream.rest.resume}\`.`),
    ],
    responses: {
      200: {
        description: `Server-Sent Events without end. \`id:\` is the field ${stream.rest.id}, \`event:\` the field ${stream.rest.event}, \`data:\` the object as JSON.`,
        content: { 'text/event-stream': { schema: schemaOf(stream.field.type) } },
      },
      ...errorsOf({
        BAD_REQUEST: true,
        UNAUTHENTICATED: true,
        FORBIDDEN: true,
        NOT_FOUND: true,
        NOT_ACCEPTABLE: true,
        CURSOR_EXPIRED: true,
        VALIDATION_FAILED: true,
      }),
    },
  }
}

function operationHead({ field, fieldName, ...route }: Route | StreamRoute, info: OpenApiInfo): JsonSchema {
  const [summary = fieldName] = (field.description ?? '').split(/(?<=\.)\s/)
  return {
    operationId: fieldName,
    summary: summary.replace(/\.$/, ''),
    ...(field.description ? { description: field.description } : {}),
    tags: [tagOf({ path: route.path, rest: route.rest })],
    ...(field.deprecationReason ? { deprecated: true } : {}),
    ...(info.isPublic(field) && { security: [{}] }),
  }
}

/** The declared tag, else the first segment of the path. */
function tagOf({ path, rest }: Pick<Route | StreamRoute, 'path' | 'rest'>): string {
  return rest.tag ?? path.split('/')[1] ?? 'other'
}

function successResponse(route: Route): JsonSchema {
  if (route.status === 204) return { description: 'Done.' }
  return {
    description: 'Success.',
    headers: {
      ETag: {
        description: 'For `If-None-Match`, and `If-Match` where the thing has a version.',
        schema: { type: 'string' },
      },
      ...(route.rest.location && {
        Location: { description: 'Path of what was created.', schema: { type: 'string' } },
      }),
      ...(isConnection(getNamedType(route.field.type)) && {
        Link: { description: 'rel="next" and rel="prev" (RFC 8288).', schema: { type: 'string' } },
      }),
    },
    content: {
      'application/json': { schema: route.rest.key ? keyedSchema(route, route.rest.key) : answerSchema(route) },
    },
  }
}

/** REST answers 404 where GraphQL answers null beside its error. */
function answerSchema({ field }: Route): JsonSchema {
  return schemaOf(new GraphQLNonNull(nullable(field.type)))
}

function keyedSchema({ field }: Route, key: string): JsonSchema {
  return { type: 'object', properties: { [key]: schemaOf(field.type) }, required: [key] }
}

function pathParameter(route: Route, name: string): JsonSchema {
  const arg = route.args.find((one) => one.name === name)
  return {
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    ...(arg?.description && { description: arg.description }),
  }
}

function queryParameter(parameter: QueryParameter, { field }: Pick<Route, 'field'>): JsonSchema {
  const { name, type, repeats, form, description } = parameter
  const { validate } = (field.extensions.pothosOptions ?? {}) as { validate?: unknown }
  const plain = () => ({ ...withoutNull(schemaOf(type)), ...limitsAt(validate, parameter.target) })
  const one = form === 'order' ? orderSchema(parameter) : plain()
  const schema = repeats ? { type: 'array', items: one } : one
  return described({ name, in: 'query', required: false, schema, ...(repeats && { explode: true }) }, description)
}

function orderSchema({ type }: QueryParameter): JsonSchema {
  const names = orderNames(type).split(', ')
  const ways = (orderEnums(type)?.direction.getValues() ?? []).map((value) => value.name.toLowerCase())
  return { type: 'string', enum: names.flatMap((name) => [name, ...ways.map((way) => `${name}:${way}`)]) }
}

/** A query string has no null: an absent parameter is the only way to say nothing. */
function withoutNull(schema: JsonSchema): JsonSchema {
  if (Array.isArray(schema.anyOf)) return schema.anyOf[0] as JsonSchema
  return Array.isArray(schema.type) ? { ...schema, type: schema.type[0] } : schema
}

function representationParameters(route: Route): JsonSchema[] {
  if (route.status === 204 || !isObjectType(getNamedType(route.field.type))) return []
  const names = { type: 'array', items: { type: 'string' } }
  const list = isConnection(getNamedType(route.field.type)) ? ', or `totalCount`' : ''
  return [
    {
      name: 'fields',
      in: 'query',
      style: 'form',
      explode: false,
      schema: names,
      description: 'Only these fields of each item.',
    },
    {
      name: 'include',
      in: 'query',
      style: 'form',
      explode: false,
      schema: names,
      description: `Relations to embed${list}.`,
    },
  ]
}

function header(name: string, schema: JsonSchema, description: string): JsonSchema {
  return { name, in: 'header', required: false, schema, description }
}

const IF_MATCH = header('If-Match', { type: 'string' }, 'The ETag the change is based on; another version answers 412.')

function errorsOf(codes: Partial<Record<ErrorCode, boolean>>): Record<string, JsonSchema> {
  const wanted = { ...codes, INTERNAL: true, UNAVAILABLE: true }
  return Object.fromEntries(
    Object.entries(wanted).flatMap(([code, included]) =>
      included ? [[ERROR_CODES[code as ErrorCode].status, { $ref: `#/components/responses/${code}` }]] : [],
    ),
  )
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
  for (const { field } of [...routes, ...streams]) {
    visit(getNamedType(field.type))
    for (const arg of field.args) {
      const type = getNamedType(arg.type)
      if (!isInputObjectType(type) || routes.some((route) => route.field === field && route.rest.body === arg.name))
        visit(type)
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
