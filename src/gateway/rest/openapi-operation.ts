import {
  type GraphQLField,
  GraphQLNonNull,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isRequiredArgument,
  print,
} from 'graphql'
import { type InputPlan, planInput } from './input.ts'
import { type Dialect, described, type JsonSchema, schemaOf } from './json-schema.ts'
import { COMMON, declaredErrors, errorAnswers, named, routeAnswers } from './openapi-answers.ts'
import { inputComponent } from './openapi-components.ts'
import { routeParameters, ruleOfPlace, streamParameters } from './openapi-parameters.ts'
import type { Route } from './routes.ts'
import { type StreamRoute, streamDocument } from './stream.ts'
import { ownDescription } from './twins.ts'

export interface OpenApiInfo extends Dialect {
  title: string
  version: string
  description: string
  contact?: JsonSchema
  /** What each tag is about. */
  tags?: Readonly<Record<string, string>>
  /** The schemes that `security` names, as OpenAPI has them. */
  securitySchemes: JsonSchema
  /** The security requirements of a field; `[{}]` where it answers without a credential. */
  security: (field: GraphQLField<unknown, unknown>) => Record<string, readonly string[]>[]
  /** Whether a field may answer FORBIDDEN to who is signed in, by what it declares; where it is not told, it may. */
  mayForbid?: (field: GraphQLField<unknown, unknown>) => boolean
}

/** The OpenAPI operation of a route. */
export function routeOperation(route: Route, schema: GraphQLSchema, info: OpenApiInfo): JsonSchema {
  const plan = planInput(route)
  const body = bodySchema(route, plan, info)
  return {
    ...operationHead(route, info),
    'x-graphql-operation': {
      field: `${route.kind === 'query' ? 'Query' : 'Mutation'}.${route.fieldName}`,
      document: print(route.document),
    },
    parameters: routeParameters(route, plan, schema, info),
    ...(body && {
      requestBody: {
        required: plan.body !== undefined || 'required' in body,
        content: { 'application/json': { schema: body } },
      },
    }),
    responses: routeAnswers(route, plan, accessOf(route, info), info),
  }
}

/** The OpenAPI operation of a stream. */
export function streamOperation(stream: StreamRoute, schema: GraphQLSchema, info: OpenApiInfo): JsonSchema {
  const { field, fieldName, rest } = stream
  const plan = planInput({ args: field.args, pathParameters: [], fills: {}, rest: {}, kind: 'subscription' })
  const { isPublic, mayForbid } = accessOf(stream, info)
  return {
    ...operationHead(stream, info),
    'x-graphql-operation': { field: `Subscription.${fieldName}`, document: print(streamDocument(schema, stream)) },
    parameters: streamParameters(stream, plan, info),
    responses: {
      200: {
        description: `Server-Sent Events without end. \`id:\` is the field ${rest.id}, \`event:\` the field ${rest.event}, \`data:\` the object as JSON. An event named error is the last.`,
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

/** Who may call, by what an application says of a field. */
export function accessOf({ field }: Route | StreamRoute, info: OpenApiInfo) {
  const isPublic = info.security(field).some((one) => Object.keys(one).length === 0)
  return { isPublic, mayForbid: !isPublic && (info.mayForbid?.(field) ?? true) }
}

function operationHead(route: Route | StreamRoute, info: OpenApiInfo): JsonSchema {
  const { field, fieldName } = route
  const deprecable = 'deprecable' in route ? route.deprecable : field
  const description = ownDescription(field)
  const [summary = fieldName] = (description ?? fieldName).split(/(?<=\.)\s/)
  const head = {
    // A Subscription may have the name of the Query that reads the same.
    operationId: 'operationId' in route ? route.operationId : `${fieldName}Stream`,
    summary: summary.replace(/\.$/, ''),
  }
  return {
    ...described(head, { ...deprecable, description }),
    tags: [tagOf(route)],
    security: info.security(field),
  }
}

/** The declared tag, else the first segment of the path. */
export function tagOf({ path, rest }: Pick<Route | StreamRoute, 'path' | 'rest'>): string {
  return rest.tag ?? path.split('/')[1] ?? 'other'
}

/** What a body must be; undefined where there is none. */
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
