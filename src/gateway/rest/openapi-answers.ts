import { type GraphQLField, GraphQLNonNull, getNamedType } from 'graphql'
import { ERROR_CODES, type ErrorCode, isErrorCode } from '../errors.ts'
import type { InputPlan } from './input.ts'
import { type Dialect, type JsonSchema, schemaOf } from './json-schema.ts'
import type { Route } from './routes.ts'
import { isConnection, nullable } from './view.ts'

export interface Access {
  /** Whether it answers without a credential. */
  isPublic: boolean
  /** Whether a credential that is good may still not do: one of an API key, say. */
  mayForbid: boolean
}

/** The answer of success, and every error that the gateway or the operation can answer with. */
export function routeAnswers(route: Route, plan: InputPlan, access: Access, dialect: Dialect): JsonSchema {
  const isRead = route.method === 'GET'
  const { handlesSecrets } = route.field.extensions as { handlesSecrets?: boolean }
  const shared = { ...COMMON, ...named('Cache-Control') }
  return {
    [route.status]: successAnswer(route, dialect),
    ...(isRead && {
      304: {
        description: 'Not modified: `If-None-Match` names the present ETag.',
        headers: { ...shared, ...named('ETag', ...(isPage(route) ? (['Link'] as const) : [])) },
      },
    }),
    ...errorAnswers([
      // The query string's encoding, the body's syntax, If-Match.
      'BAD_REQUEST',
      ...when('UNAUTHENTICATED', !access.isPublic),
      ...when('FORBIDDEN', access.mayForbid),
      ...when('NOT_FOUND', route.pathParameters.length > 0),
      'NOT_ACCEPTABLE',
      // Two changes at once; a request with the same Idempotency-Key.
      ...when('CONFLICT', route.kind === 'mutation'),
      ...when('PRECONDITION_FAILED', plan.readsVersion),
      ...when('PAYLOAD_TOO_LARGE', !isRead),
      ...when('UNSUPPORTED_MEDIA_TYPE', !isRead),
      'VALIDATION_FAILED',
      ...when('IDEMPOTENCY_KEY_REUSED', route.kind === 'mutation' && !handlesSecrets),
      ...declaredErrors(route.field),
    ]),
  }
}

const when = (code: ErrorCode, applies: boolean): ErrorCode[] => (applies ? [code] : [])

/** What an operation answers with beyond what its shape tells: its extension `errors`. */
export function declaredErrors({ name, extensions }: GraphQLField<unknown, unknown>): ErrorCode[] {
  const { errors = [] } = extensions as { errors?: readonly unknown[] }
  return errors.map((code) => {
    if (isErrorCode(code)) return code
    throw new Error(`${name} declares the error ${JSON.stringify(code)}, which is none of ours`)
  })
}

function successAnswer(route: Route, dialect: Dialect): JsonSchema {
  const { rest, field, kind } = route
  const { handlesSecrets } = field.extensions as { handlesSecrets?: boolean }
  const replayed = kind === 'mutation' && !handlesSecrets ? named('Idempotency-Replayed') : {}
  const shared = { ...COMMON, ...named('Cache-Control'), ...replayed, ...(rest.location && named('Location')) }
  if (route.status === 204) return { description: 'Done.', headers: shared }
  return {
    description: 'Success.',
    headers: { ...shared, ...named('ETag'), ...(isPage(route) && named('Link')) },
    content: { 'application/json': { schema: answerSchema(route, dialect) } },
  }
}

const isPage = ({ field }: Route) => isConnection(getNamedType(field.type))

/** REST answers 404 where GraphQL answers null beside its error. */
function answerSchema({ field, rest }: Route, dialect: Dialect): JsonSchema {
  const schema = schemaOf(new GraphQLNonNull(nullable(field.type)), dialect)
  return rest.key ? { type: 'object', properties: { [rest.key]: schema }, required: [rest.key] } : schema
}

/** References to the answers of errors, by status. Any request may meet a fault, or a database that is away. */
export function errorAnswers(codes: readonly ErrorCode[]): Record<string, JsonSchema> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of new Set<ErrorCode>([...codes, 'INTERNAL', 'UNAVAILABLE'])) {
    const { status } = ERROR_CODES[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [status, { $ref: `#/components/responses/${same.join(OR)}` }]),
  )
}

const OR = '_OR_'

/** The error answers that paths refer to. */
export function errorComponents(paths: JsonSchema): Record<string, JsonSchema> {
  const used = JSON.stringify(paths).matchAll(/"#\/components\/responses\/(\w+)"/g)
  const names = new Set([...used].map(([, name]) => String(name)))
  return Object.fromEntries([...names].sort().map((name) => [name, errorComponent(name.split(OR) as ErrorCode[])]))
}

function errorComponent(codes: readonly ErrorCode[]): JsonSchema {
  const [code = 'INTERNAL'] = codes
  const { status, title } = ERROR_CODES[code]
  const content = {
    schema: { $ref: '#/components/schemas/Problem' },
    example: { type: 'about:blank', title, status, detail: `${title}.`, code, requestId: EXAMPLE_REQUEST },
  }
  return {
    description: codes.map((one) => `${ERROR_CODES[one].title} (\`${one}\`)`).join(', or '),
    headers: { ...COMMON, ...named('Cache-Control', ...(ERROR_HEADERS[code] ?? [])) },
    content: { 'application/problem+json': content },
  }
}

/** The answers of what may tell that something is deprecated. */
export function withDeprecation(answers: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(answers as Record<string, JsonSchema>).map(([status, answer]) => {
      const { headers, ...whole } =
        typeof answer.$ref === 'string'
          ? errorComponent(answer.$ref.split('/').at(-1)?.split(OR) as ErrorCode[])
          : answer
      return [status, { ...whole, headers: { ...(headers as JsonSchema), ...named('Deprecation', 'Sunset', 'Link') } }]
    }),
  )
}

/** What goes with an error of a kind. Only attempts that are counted tell how many are left. */
const ERROR_HEADERS: Partial<Record<ErrorCode, readonly HeaderName[]>> = {
  UNAUTHENTICATED: ['WWW-Authenticate'],
  CONFLICT: ['Retry-After'],
  UNSUPPORTED_MEDIA_TYPE: ['Accept-Encoding'],
  RATE_LIMITED: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
  UNAVAILABLE: ['Retry-After'],
}

const EXAMPLE_REQUEST = '0b8a1a3c-6e63-4b0e-9d3c-0f4c1f6f5d55'

const text = (pattern: string) => ({ type: 'string', pattern })

/** Headers of answers, as components. What is required goes with every answer that lists it. */
export const HEADERS = {
  'X-Request-Id': {
    description: 'Names the request in the log. The client’s own, where it sent one of 1 to 100 of `A-Za-z0-9_.-`.',
    required: true,
    schema: { ...text('^[\\w.-]{1,100}$'), examples: [EXAMPLE_REQUEST] },
  },
  'Server-Timing': {
    description: 'How long it took, in milliseconds.',
    required: true,
    schema: text('^total;dur=[0-9.]+$'),
  },
  'Access-Control-Allow-Origin': {
    description: 'The `Origin` of the request, where pages of that origin may call this server.',
    schema: { type: 'string' },
  },
  'Cache-Control': {
    description: 'Whether, and how, the answer may be kept.',
    required: true,
    schema: { type: 'string' },
  },
  Vary: { description: 'The request headers that the answer depends on.', schema: { type: 'string' } },
  ETag: {
    description:
      'Changes with the body; of a thing that has a version it begins with that, and goes into `If-Match`. For `If-None-Match`.',
    required: true,
    schema: { ...text('^"(v[0-9]+\\.)?[\\w-]{22}"$'), examples: ['"v3.mVYtmGIWZK5YmXxPyBpmmA"'] },
  },
  Location: {
    description: 'The path of what was created.',
    required: true,
    schema: { type: 'string', format: 'uri-reference' },
  },
  Link: {
    description: 'The next and the previous page, and where to read of what is deprecated (RFC 8288, RFC 9745).',
    schema: text('rel="(next|prev|deprecation)"'),
  },
  Deprecation: {
    description:
      'Since when the operation, or something of it that the request used, is deprecated, in seconds since 1970 (RFC 9745).',
    schema: { ...text('^@[0-9]+$'), examples: ['@1767225600'] },
  },
  Sunset: {
    description: 'From when on that will not be there (RFC 8594).',
    schema: { type: 'string', examples: ['Fri, 01 Jan 2027 00:00:00 GMT'] },
  },
  'Idempotency-Replayed': {
    description: '`true`: the answer is of an earlier request with the same `Idempotency-Key`.',
    schema: { type: 'string', enum: ['true'] },
  },
  'Accept-Encoding': {
    description: 'That bodies are taken uncompressed only, where the request’s Content-Encoding was at fault.',
    schema: { type: 'string', enum: ['identity'] },
  },
  'WWW-Authenticate': { description: 'How to authenticate (RFC 9110).', required: true, schema: text('^Bearer ') },
  'Retry-After': {
    description: 'Seconds to wait before the request is sent again, where waiting helps.',
    schema: { type: 'integer', format: 'int32', minimum: 1, maximum: 3_600 },
  },
  RateLimit: {
    description: 'What is left of a limit, and the seconds until there is more. Only where attempts are counted.',
    schema: { ...text('^"\\w+";r=[0-9]+;t=[0-9]+$'), examples: ['"pair";r=0;t=42'] },
  },
  'RateLimit-Policy': {
    description: 'The limit, and the seconds it is for. Only where attempts are counted.',
    schema: { ...text('^"\\w+";q=[0-9]+;w=[0-9]+$'), examples: ['"pair";q=10;w=60'] },
  },
} satisfies Record<string, JsonSchema>

/** Those that answers refer to. */
export function headerComponents(...answers: readonly unknown[]): Record<string, JsonSchema> {
  const used = JSON.stringify(answers)
  return Object.fromEntries(Object.entries(HEADERS).filter(([name]) => used.includes(`"#/components/headers/${name}"`)))
}

export type HeaderName = keyof typeof HEADERS

export const named = (...names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

/** On every answer; the last two where they have something to say. */
export const COMMON = named('X-Request-Id', 'Server-Timing', 'Access-Control-Allow-Origin', 'Vary')

export const PROBLEM: JsonSchema = {
  type: 'object',
  description: 'An error as RFC 9457 has it.',
  properties: {
    type: { type: 'string', format: 'uri-reference', description: 'Always about:blank: `code` tells the kind.' },
    title: { type: 'string', description: 'The kind in words.' },
    status: { type: 'integer', format: 'int32', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What was wrong with this request.' },
    code: { type: 'string', enum: Object.keys(ERROR_CODES) },
    requestId: { type: 'string', description: 'Names the request in the server’s log.' },
    errors: {
      type: 'array',
      description: 'The problems with values of the request.',
      items: {
        type: 'object',
        properties: {
          path: {
            type: 'array',
            items: { type: ['string', 'integer'], format: 'int32', minimum: 0, maximum: 2 ** 31 - 1 },
            description: 'Begins with body, query, path or header.',
          },
          code: { type: 'string', description: 'The rule that was broken.' },
          message: { type: 'string' },
        },
        required: ['path', 'code', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  examples: [
    {
      type: 'about:blank',
      title: ERROR_CODES.VALIDATION_FAILED.title,
      status: 422,
      detail: 'query.limit: must be 1 to 100',
      code: 'VALIDATION_FAILED',
      requestId: EXAMPLE_REQUEST,
      errors: [{ path: ['query', 'limit'], code: 'too_big', message: 'must be 1 to 100' }],
    },
  ],
}
