import {
  type GraphQLField,
  GraphQLNonNull,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isRequiredArgument,
  print,
} from 'graphql'
import type { RestContent, StreamedBodyOptions } from '../operation.ts'
import { type InputPlan, planInput } from '../rest/input.ts'
import type { Route } from '../rest/routes.ts'
import { type StreamRoute, streamDocument } from '../rest/stream.ts'
import { ownDescription } from '../rest/twins.ts'
import { inputComponent } from './components.ts'
import { CONTENT_DISPOSITION, contentOperation, fileBody } from './files.ts'
import { COMMON, named } from './headers.ts'
import { type Dialect, described, type JsonSchema, schemaOf } from './json-schema.ts'
import { routeParameters, ruleOfPlace, streamParameters } from './parameters.ts'
import { declaredErrors, errorAnswers, routeAnswers } from './responses.ts'

export interface OpenApiInfo extends Dialect {
  title: string
  version: string
  description: string
  contact?: JsonSchema
  /** Like `{ name: 'MIT', identifier: 'MIT' }`. */
  license?: JsonSchema
  /** Descriptions of tags. */
  tags?: Readonly<Record<string, string>>
  /** The schemes that `security` names, in OpenAPI's form. */
  securitySchemes: JsonSchema
  /** Returns the security requirements of a field; `[{}]` if it is public. */
  security: (field: GraphQLField<unknown, unknown>) => Record<string, readonly string[]>[]
  /** Returns true if a field may answer FORBIDDEN to a signed-in viewer. Default: it may. */
  mayForbid?: (field: GraphQLField<unknown, unknown>) => boolean
}

/** Returns the OpenAPI operation of a route. */
export function routeOperation(route: Route, schema: GraphQLSchema, info: OpenApiInfo): JsonSchema {
  const plan = planInput(route)
  const body = bodySchema(route, plan, info)
  return {
    ...operationHead(route, info),
    'x-graphql-operation': {
      field: `${route.kind === 'query' ? 'Query' : 'Mutation'}.${route.fieldName}`,
      document: print(route.document),
    },
    parameters: [
      ...routeParameters(route, plan, schema, info),
      ...(plan.file === undefined ? [] : [CONTENT_DISPOSITION]),
    ],
    ...(plan.file !== undefined && { requestBody: fileBody(plan.file) }),
    ...(route.rest.streamedBody && {
      requestBody: { required: true, content: streamedContent(route.rest.streamedBody) },
    }),
    ...(body && {
      requestBody: {
        required: plan.body !== undefined || 'required' in body,
        content: { 'application/json': { schema: body } },
      },
    }),
    responses: routeAnswers(route, plan, refusalsOf(route, info), info),
  }
}

/** Returns the OpenAPI operation of the path that serves the bytes behind a route. */
export function bytesOperation(
  route: Route,
  content: RestContent,
  schema: GraphQLSchema,
  info: OpenApiInfo,
): JsonSchema {
  const { operationId, description } = content
  const [summary = operationId] = description.split(/(?<=\.)\s/)
  return {
    ...operationHead(route, info),
    operationId,
    summary: summary.replace(/\.$/, ''),
    ...contentOperation(route, content, planInput(route), refusalsOf(route, info), schema, info),
  }
}
/** Bytes have no schema but their media type. */
const streamedContent = ({ types }: StreamedBodyOptions) =>
  Object.fromEntries(types.map((type) => [type, { schema: { type: 'string', format: 'binary' } }]))

/** Returns the OpenAPI operation of a stream. */
export function streamOperation(stream: StreamRoute, schema: GraphQLSchema, info: OpenApiInfo): JsonSchema {
  const { field, fieldName, rest } = stream
  const plan = planInput({ args: field.args, pathParameters: [], fills: {}, rest: {}, kind: 'subscription' })
  const { isPublic, mayForbid } = refusalsOf(stream, info)
  return {
    ...operationHead(stream, info),
    'x-graphql-operation': { field: `Subscription.${fieldName}`, document: print(streamDocument(schema, stream)) },
    parameters: streamParameters(stream, plan, schema, info),
    responses: {
      200: {
        description: `An endless stream of Server-Sent Events. \`id:\` is the field ${rest.id}, \`event:\` the field ${rest.event}, \`data:\` the object as JSON. An event named error ends it.`,
        headers: { ...COMMON, ...named('Cache-Control') },
        content: { 'text/event-stream': { schema: schemaOf(new GraphQLNonNull(getNamedType(field.type)), info) } },
      },
      ...errorAnswers([
        'BAD_REQUEST',
        ...(isPublic ? [] : (['UNAUTHENTICATED'] as const)),
        ...(mayForbid ? (['FORBIDDEN'] as const) : []),
        'NOT_ACCEPTABLE',
        'VALIDATION_FAILED',
        ...declaredErrors(field),
      ]),
    },
  }
}

/** Returns the access that the application declares for the field. */
export function refusalsOf({ field }: Route | StreamRoute, info: OpenApiInfo) {
  const isPublic = info.security(field).some((one) => Object.keys(one).length === 0)
  return { isPublic, mayForbid: !isPublic && (info.mayForbid?.(field) ?? true) }
}

function operationHead(route: Route | StreamRoute, info: OpenApiInfo): JsonSchema {
  const { field, fieldName } = route
  const deprecable = 'deprecable' in route ? route.deprecable : field
  const description = ownDescription(field)
  const [summary = fieldName] = (description ?? fieldName).split(/(?<=\.)\s/)
  const head = {
    // A Subscription may share its name with the Query that reads the same data.
    operationId: 'operationId' in route ? route.operationId : `${fieldName}Stream`,
    summary: summary.replace(/\.$/, ''),
  }
  return {
    ...described(head, { ...deprecable, description }),
    tags: [tagOf(route)],
    security: info.security(field),
  }
}

/** Returns the declared tag, or else the first segment of the path. */
export function tagOf({ path, rest }: Pick<Route | StreamRoute, 'path' | 'rest'>): string {
  return rest.tag ?? path.split('/')[1] ?? 'other'
}

/** Returns the schema of a body; undefined if there is none. */
function bodySchema(route: Route, plan: InputPlan, dialect: Dialect): JsonSchema | undefined {
  const argument = route.args.find((arg) => arg.name === plan.body)
  if (argument) {
    const filled = Object.values(route.fills).flatMap(([head, field]) => (head === plan.body && field ? [field] : []))
    const type = getNamedType(argument.type)
    return filled.length > 0 && isInputObjectType(type)
      ? inputComponent(type, dialect, filled)
      : schemaOf(argument.type, dialect)
  }
  if (plan.bodyFields.length === 0) return undefined
  const fields = route.args.filter((arg) => plan.bodyFields.includes(arg.name))
  const required = fields.filter(isRequiredArgument).map((arg) => arg.name)
  return {
    type: 'object',
    properties: Object.fromEntries(
      fields.map((arg) => [arg.name, described(schemaOf(arg.type, dialect, ruleOfPlace(route, [arg.name])), arg)]),
    ),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  }
}
