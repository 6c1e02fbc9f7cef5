import {
  type GraphQLField,
  GraphQLNonNull,
  getNamedType,
  isInputObjectType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import { ERROR_CODES, type ErrorCode } from '../errors.ts'
import { DEFAULT_LIMIT, type InputPlan, planInput } from './input.ts'
import { described, inputComponent, type JsonSchema, limitsAt, schemaOf } from './json-schema.ts'
import { orderEnums, orderNames, type QueryParameter } from './parameters.ts'
import type { Route } from './routes.ts'
import type { StreamRoute } from './stream.ts'
import { isConnection, nullable } from './view.ts'

export interface OpenApiInfo {
  title: string
  version: string
  description: string
  /** The schemes that `security` names, as OpenAPI has them. */
  securitySchemes: JsonSchema
  /** The security requirements of a field; `[{}]` where it answers without a credential. */
  security: (field: GraphQLField<unknown, unknown>) => Record<string, readonly string[]>[]
}

/** The OpenAPI operation of a route. */
export function routeOperation(route: Route, info: OpenApiInfo): JsonSchema {
  const plan = planInput(route)
  const body = bodySchema(route, plan)
  const security = info.security(route.field)
  const isPublic = security.some((one) => Object.keys(one).length === 0)
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
      requestBody: {
        required: plan.body !== undefined || 'required' in body,
        content: { 'application/json': { schema: body } },
      },
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
        RATE_LIMITED: route.kind === 'mutation',
      }),
    },
  }
}

/** The OpenAPI operation of a stream. */
export function streamOperation(stream: StreamRoute, info: OpenApiInfo): JsonSchema {
  const plan = planInput({ args: stream.field.args, pathParameters: [], fills: {}, rest: {}, kind: 'subscription' })
  return {
    ...operationHead(stream, info),
    'x-graphql-operation': `Subscription.${stream.fieldName}`,
    parameters: [
      ...[...plan.query.values()].map((parameter) => queryParameter(parameter, stream)),
      {
        name: 'ticket',
        in: 'query',
        required: false,
        schema: { type: 'string' },
        description: 'Instead of a credential, where no header can be sent.',
      },
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

function operationHead(route: Route | StreamRoute, info: OpenApiInfo): JsonSchema {
  const { field, fieldName } = route
  const [summary = fieldName] = (field.description ?? '').split(/(?<=\.)\s/)
  return {
    operationId: 'operationId' in route ? route.operationId : fieldName,
    summary: summary.replace(/\.$/, ''),
    ...(field.description ? { description: field.description } : {}),
    tags: [tagOf(route)],
    ...(field.deprecationReason ? { deprecated: true } : {}),
    security: info.security(field),
  }
}

/** The declared tag, else the first segment of the path. */
export function tagOf({ path, rest }: Pick<Route | StreamRoute, 'path' | 'rest'>): string {
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

/** What a body must be; undefined where there is none. */
function bodySchema(route: Route, plan: InputPlan): JsonSchema | undefined {
  const argument = route.args.find((arg) => arg.name === plan.body)
  if (argument) {
    const filled = Object.values(route.fills).flatMap(([head, field]) => (head === plan.body && field ? [field] : []))
    const type = getNamedType(argument.type)
    return filled.length > 0 && isInputObjectType(type) ? inputComponent(type, filled) : schemaOf(argument.type)
  }
  if (plan.bodyFields.length === 0) return undefined
  const fields = route.args.filter((arg) => plan.bodyFields.includes(arg.name))
  const { validate } = (route.field.extensions.pothosOptions ?? {}) as { validate?: unknown }
  const required = fields.filter(isRequiredArgument).map((arg) => arg.name)
  return {
    type: 'object',
    properties: Object.fromEntries(
      fields.map((arg) => [
        arg.name,
        described({ ...schemaOf(arg.type), ...limitsAt(validate, [arg.name]) }, arg.description),
      ]),
    ),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  }
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
  if (form === 'json') {
    const content = { 'application/json': { schema: withoutNull(schemaOf(type)) } }
    return described({ name, in: 'query', required: false, content }, description)
  }
  const { validate } = (field.extensions.pothosOptions ?? {}) as { validate?: unknown }
  const plain = () => ({ ...withoutNull(schemaOf(type)), ...limitsAt(validate, parameter.target) })
  const isLimit = parameter.target[0] === 'first' && name === 'limit'
  const one = form === 'order' ? orderSchema(parameter) : plain()
  const single = isLimit ? { ...one, default: DEFAULT_LIMIT } : one
  const schema = repeats ? { type: 'array', items: one } : single
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

export function errorsOf(codes: Partial<Record<ErrorCode, boolean>>): Record<string, JsonSchema> {
  const wanted = { ...codes, INTERNAL: true, UNAVAILABLE: true }
  return Object.fromEntries(
    Object.entries(wanted).flatMap(([code, included]) =>
      included ? [[ERROR_CODES[code as ErrorCode].status, { $ref: `#/components/responses/${code}` }]] : [],
    ),
  )
}
