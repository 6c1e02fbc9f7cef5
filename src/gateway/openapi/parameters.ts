import {
  type GraphQLArgument,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLNonNull,
  type GraphQLSchema,
  getNamedType,
} from 'graphql'
import { DEFAULT_LIMIT, type InputPlan } from '../rest/input.ts'
import { orderEnums, orderNames, type QueryParameter } from '../rest/query-parameters.ts'
import type { Route } from '../rest/routes.ts'
import { selectableNames } from '../rest/selection.ts'
import { type StreamRoute, streamDocument } from '../rest/stream.ts'
import { listItem, nullable } from '../rest/view.ts'
import { type Dialect, described, type JsonSchema, ownRule, ruleAt, ruleOfInput, schemaOf } from './json-schema.ts'

type Described = Pick<Route | StreamRoute, 'field'>

/** Maximum length of a path parameter. The router does not match longer ones. */
export const MAX_PATH_PARAMETER = 200
/**
 * Maximum length of a documented header, in bytes. Node allows 16 KiB of headers
 * in all (`--max-http-header-size`).
 */
const MAX_HEADER = 8_192

/** Returns the parameters of a route, in reading order. */
export function routeParameters(route: Route, plan: InputPlan, schema: GraphQLSchema, dialect: Dialect): JsonSchema[] {
  const { handlesSecrets } = route.field.extensions as { handlesSecrets?: boolean }
  return [
    ...route.pathParameters.map((name) => pathParameter(route, name, dialect)),
    ...[...plan.query.values()].map((parameter) => queryParameter(parameter, route, dialect)),
    ...(route.rest.download ? [] : representationParameters(route, schema)),
    ...(plan.readsVersion ? [IF_MATCH] : []),
    ...(hasEntityTag(route) ? [IF_NONE_MATCH] : []),
    ...(route.kind === 'mutation' && !handlesSecrets && !route.rest.streamedBody ? [IDEMPOTENCY_KEY] : []),
  ]
}

/** Returns true if the answers of a route have an ETag that clients can compare. */
export const hasEntityTag = ({ method, rest }: Route) => method === 'GET' && !rest.download

/** Returns the parameters of a stream. */
export function streamParameters(
  stream: StreamRoute,
  plan: InputPlan,
  schema: GraphQLSchema,
  dialect: Dialect,
): JsonSchema[] {
  const query = [...plan.query.values()].map((parameter) => queryParameter(parameter, stream, dialect))
  const resume = query.find((parameter) => parameter.name === stream.resume)
  return [
    ...query,
    ...representationParameters({ status: 200, document: streamDocument(schema, stream) }, schema),
    {
      name: 'ticket',
      in: 'query',
      required: false,
      schema: { type: 'string', pattern: '^\\S+$', maxLength: 4096 },
      description: 'Replaces the credential for clients that cannot send headers.',
    },
    header('Last-Event-ID', resume?.schema as JsonSchema, `The last \`id:\` seen; wins over \`${stream.resume}\`.`),
  ]
}

/**
 * Returns the rule for a value at a place among the arguments: of the argument, the input
 * or the operation.
 */
export function ruleOfPlace({ field }: Described, place: readonly string[]): JsonSchema | undefined {
  const { validate } = (field.extensions.pothosOptions ?? {}) as { validate?: unknown }
  const [head, ...rest] = place
  const arg = field.args.find((one) => one.name === head)
  const type = arg && getNamedType(arg.type)
  const within = type instanceof GraphQLInputObjectType ? ruleAt(ruleOfInput(type), rest) : undefined
  const own = arg && rest.length === 0 ? ownRule(arg) : undefined
  return own ?? within ?? ruleAt(validate, place)
}

function pathParameter(route: Route, name: string, dialect: Dialect): JsonSchema {
  const place = route.fills[name] ?? [name]
  const arg = route.args.find((one) => one.name === place[0])
  const type = typeAt(arg, place.slice(1))
  const rule = ruleOfPlace(route, place)
  // A path accepts any text and answers NOT_FOUND, but only an id finds something.
  const exact = (rule?.pattern ?? rule?.format) ? rule : undefined
  const schema = type ? schemaOf(new GraphQLNonNull(nullable(type)), dialect, exact) : { type: 'string' }
  const bounds = schema.type === 'string' && !schema.maxLength ? { minLength: 1, maxLength: MAX_PATH_PARAMETER } : {}
  return described(
    { name, in: 'path', required: true, schema: { ...schema, ...bounds } },
    { description: arg?.description },
  )
}

/** Returns the type of one value at a place within an argument. */
function typeAt(arg: GraphQLArgument | undefined, steps: readonly string[]): GraphQLInputType | undefined {
  let type: GraphQLInputType | undefined = arg?.type
  for (const step of steps) {
    const inner: unknown = type && nullable(type)
    type = inner instanceof GraphQLInputObjectType ? inner.getFields()[step]?.type : undefined
  }
  return type && (listItem(type) ?? type)
}

function queryParameter(parameter: QueryParameter, route: Described, dialect: Dialect): JsonSchema {
  const { name, type, repeats, form, definition } = parameter
  if (form === 'json') {
    const content = { 'application/json': { schema: schemaOf(new GraphQLNonNull(nullable(type)), dialect) } }
    return described({ name, in: 'query', required: false, content }, definition)
  }
  const rule = ruleOfPlace(route, parameter.target)
  // A query string has no null: an absent parameter takes its place.
  const plain = () =>
    schemaOf(new GraphQLNonNull(nullable(type)), dialect, repeats ? (rule?.items as JsonSchema | undefined) : rule)
  const one = form === 'order' ? orderSchema(parameter) : plain()
  const isLimit = parameter.target[0] === 'first' && name === 'limit'
  const single = isLimit ? { ...one, default: DEFAULT_LIMIT } : one
  const most = rule?.maxItems === undefined ? {} : { maxItems: rule.maxItems }
  const schema = repeats ? { type: 'array', items: one, ...most } : single
  return described(
    { name, in: 'query', required: false, schema, ...(repeats && { style: 'form', explode: true }) },
    definition,
  )
}

function orderSchema({ type }: QueryParameter): JsonSchema {
  const names = orderNames(type).split(', ')
  const ways = (orderEnums(type)?.direction.getValues() ?? []).map((value) => value.name.toLowerCase())
  return { type: 'string', enum: names.flatMap((name) => [name, ...ways.map((way) => `${name}:${way}`)]) }
}

function representationParameters(route: Pick<Route, 'status' | 'document'>, schema: GraphQLSchema): JsonSchema[] {
  if (route.status === 204) return []
  const { fields, include } = selectableNames(schema, route.document)
  const narrowed = 'Return only these fields of each item, not even those that the schema requires.'
  const counted = include.includes('totalCount') ? '; `totalCount` counts the whole list' : ''
  return [
    ...names('fields', fields, narrowed),
    ...names('include', include, `Also embed these in each item${counted}.`),
  ]
}

function names(name: string, values: readonly string[], description: string): JsonSchema[] {
  if (values.length === 0) return []
  const items = { type: 'string', enum: values }
  const schema = { type: 'array', items, uniqueItems: true, maxItems: values.length }
  return [{ name, in: 'query', required: false, style: 'form', explode: false, schema, description }]
}

function header(name: string, schema: JsonSchema, description: string): JsonSchema {
  return { name, in: 'header', required: false, schema, description }
}

const TAGS = '^(\\*|(W/)?"[^"]*"(\\s*,\\s*(W/)?"[^"]*")*)$'

const IF_MATCH = header(
  'If-Match',
  { type: 'string', pattern: TAGS, maxLength: MAX_HEADER },
  'ETag of the version to change. 412 if the version is now another. `*` matches any version.',
)

export const IF_NONE_MATCH = header(
  'If-None-Match',
  { type: 'string', pattern: TAGS, maxLength: MAX_HEADER },
  'ETags the client has. 304 without a body if one of them is current.',
)

const IDEMPOTENCY_KEY = header(
  'Idempotency-Key',
  { type: 'string', pattern: '^[!-~]+$', minLength: 1, maxLength: 255 },
  'A unique text. Repeating the request with the same key returns the stored answer.',
)
