import { type GraphQLField, GraphQLNonNull, getNamedType } from 'graphql'
import { type ErrorCode, isErrorCode, kindOfError } from '../errors.ts'
import type { RestOperation } from '../operation.ts'
import type { InputPlan } from '../rest/input.ts'
import type { Route } from '../rest/routes.ts'
import { isConnection, nullable } from '../rest/view.ts'
import { type Dialect, type JsonSchema, schemaOf } from './json-schema.ts'
import { hasEntityTag } from './parameters.ts'

export interface Access {
  /** True if it answers without a credential. */
  isPublic: boolean
  /** True if a valid credential may be insufficient, such as an API key without the scope. */
  mayForbid: boolean
}

/** Returns the success answer and every error that the gateway or the operation can send. */
export function routeAnswers(route: Route, plan: InputPlan, access: Access, dialect: Dialect): JsonSchema {
  const isRead = route.method === 'GET'
  const { handlesSecrets } = route.field.extensions as { handlesSecrets?: boolean }
  const shared = { ...COMMON, ...named('Cache-Control') }
  return {
    [route.status]: successAnswer(route, dialect),
    ...(route.rest.download?.ranges && { 206: partAnswer(route) }),
    ...(hasEntityTag(route) && {
      304: {
        description: 'Not modified: `If-None-Match` contains the current ETag.',
        headers: { ...shared, ...named('ETag', ...(isPage(route) ? (['Link'] as const) : [])) },
      },
    }),
    ...errorAnswers([
      // From a malformed query string, body or If-Match.
      'BAD_REQUEST',
      ...when('UNAUTHENTICATED', !access.isPublic),
      ...when('FORBIDDEN', access.mayForbid),
      ...when('NOT_FOUND', route.pathParameters.length > 0),
      'NOT_ACCEPTABLE',
      // From concurrent changes, or a request with the same Idempotency-Key.
      ...when('CONFLICT', route.kind === 'mutation'),
      ...when('PRECONDITION_FAILED', plan.readsVersion),
      ...when('PAYLOAD_TOO_LARGE', !isRead),
      ...when('UNSUPPORTED_MEDIA_TYPE', !isRead),
      ...when('RANGE_NOT_SATISFIABLE', route.rest.download?.ranges === true),
      'VALIDATION_FAILED',
      ...when('IDEMPOTENCY_KEY_REUSED', route.kind === 'mutation' && !handlesSecrets),
      ...declaredErrors(route.field),
    ]),
  }
}

const when = (code: ErrorCode, applies: boolean): ErrorCode[] => (applies ? [code] : [])

/** Returns the errors that an operation declares in its extension `errors`. */
export function declaredErrors({ name, extensions }: GraphQLField<unknown, unknown>): ErrorCode[] {
  const { errors = [] } = extensions as { errors?: readonly unknown[] }
  return errors.map((code) => {
    if (isErrorCode(code)) return code
    throw new Error(`${name} declares the error ${JSON.stringify(code)}, which is not a known code`)
  })
}

function successAnswer(route: Route, dialect: Dialect): JsonSchema {
  const { rest, field, kind } = route
  const { handlesSecrets } = field.extensions as { handlesSecrets?: boolean }
  const replayed = kind === 'mutation' && !handlesSecrets ? named('Idempotency-Replayed') : {}
  const shared = { ...COMMON, ...named('Cache-Control'), ...replayed, ...(rest.location && named('Location')) }
  if (route.status === 204) return { description: 'Done.', headers: shared }
  if (rest.download) return fileAnswer(route, shared)
  return {
    description: 'Success.',
    headers: { ...shared, ...named('ETag', 'Content-Encoding'), ...(isPage(route) && named('Link')) },
    content: { 'application/json': { schema: answerSchema(route, dialect) } },
  }
}

function fileAnswer({ rest }: Route, shared: JsonSchema): JsonSchema {
  const own = rest.download?.ranges ? named('ETag', 'Accept-Ranges') : named('Content-Encoding')
  return {
    description: 'The file.',
    headers: { ...shared, ...own, ...named('Content-Disposition') },
    content: fileContent(rest),
  }
}

function partAnswer({ rest }: Route): JsonSchema {
  const headers = named('Cache-Control', 'ETag', 'Accept-Ranges', 'Content-Disposition', 'Content-Range')
  return {
    description: 'The part that `Range` asks for.',
    headers: { ...COMMON, ...headers },
    content: fileContent(rest),
  }
}

/** Bytes have no schema: OpenAPI describes them by their media type alone. */
const fileContent = ({ download }: RestOperation) =>
  Object.fromEntries((download?.types ?? []).map((type) => [type, { schema: { type: 'string', format: 'binary' } }]))

const isPage = ({ field }: Route) => isConnection(getNamedType(field.type))

/**
 * Returns the schema of an answer. It is never null: where GraphQL returns null with an error,
 * REST sends 404.
 */
function answerSchema({ field, rest }: Route, dialect: Dialect): JsonSchema {
  const schema = schemaOf(new GraphQLNonNull(nullable(field.type)), dialect)
  return rest.key ? { type: 'object', properties: { [rest.key]: schema }, required: [rest.key] } : schema
}

/**
 * Returns references to the error answers, by status. RATE_LIMITED, INTERNAL and UNAVAILABLE can
 * happen anywhere.
 */
export function errorAnswers(codes: readonly ErrorCode[]): Record<string, JsonSchema> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of new Set<ErrorCode>([...codes, 'RATE_LIMITED', 'INTERNAL', 'UNAVAILABLE'])) {
    const { status } = kindOfError(code)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [status, { $ref: `#/components/responses/${same.join(OR)}` }]),
  )
}

const OR = '_OR_'

/** Returns the error answers that paths refer to. */
export function errorComponents(paths: JsonSchema): Record<string, JsonSchema> {
  const used = JSON.stringify(paths).matchAll(/"#\/components\/responses\/(\w+)"/g)
  const names = new Set([...used].map(([, name]) => String(name)))
  return Object.fromEntries([...names].sort().map((name) => [name, errorComponent(name.split(OR) as ErrorCode[])]))
}

function errorComponent(codes: readonly ErrorCode[]): JsonSchema {
  const [code = 'INTERNAL'] = codes
  const { status, title } = kindOfError(code)
  const content = {
    schema: { $ref: '#/components/schemas/Problem' },
    example: { type: 'about:blank', title, status, detail: `${title}.`, code, requestId: EXAMPLE_REQUEST },
  }
  return {
    description: codes.map((one) => `${kindOfError(one).title} (\`${one}\`)`).join(', or '),
    headers: { ...COMMON, ...named('Cache-Control', ...(ERROR_HEADERS[code] ?? [])) },
    content: { 'application/problem+json': content },
  }
}

/** Adds the deprecation headers to answers. */
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

/** Headers of errors, besides those of every answer. */
const ERROR_HEADERS: Partial<Record<ErrorCode, readonly HeaderName[]>> = {
  UNAUTHENTICATED: ['WWW-Authenticate'],
  CONFLICT: ['Retry-After'],
  UNSUPPORTED_MEDIA_TYPE: ['Accept-Encoding'],
  RANGE_NOT_SATISFIABLE: ['Content-Range'],
  RATE_LIMITED: ['Retry-After'],
  UNAVAILABLE: ['Retry-After'],
}

export const EXAMPLE_REQUEST = '0b8a1a3c-6e63-4b0e-9d3c-0f4c1f6f5d55'

const text = (pattern: string) => ({ type: 'string', pattern })

/** Response headers, as components. A required header is on every answer that lists it. */
export const HEADERS = {
  'X-Request-Id': {
    description: 'Identifies the request in the log. A client may choose it: 1 to 100 characters of `A-Za-z0-9_.-`.',
    required: true,
    schema: { ...text('^[\\w.-]{1,100}$'), examples: [EXAMPLE_REQUEST] },
  },
  'Server-Timing': {
    description: 'Processing time in milliseconds.',
    required: true,
    schema: text('^total;dur=[0-9.]+$'),
  },
  'Access-Control-Allow-Origin': {
    description: 'The `Origin` of the request, if pages from it may call this server.',
    schema: { type: 'string' },
  },
  'Cache-Control': {
    description: 'How the response may be cached.',
    required: true,
    schema: { type: 'string' },
  },
  'Content-Encoding': {
    description: 'How the body is compressed. Only if `Accept-Encoding` asks for it.',
    schema: { type: 'string', enum: ['zstd', 'br', 'gzip'] },
  },
  Vary: { description: 'Request headers that the response depends on.', schema: { type: 'string' } },
  ETag: {
    description: 'Changes with the body. Send it in `If-None-Match`. If it starts with a version, also in `If-Match`.',
    required: true,
    schema: { ...text('^"(v[0-9]+\\.)?[\\w-]{22}(-(zstd|br|gzip))?"$'), examples: ['"v3.mVYtmGIWZK5YmXxPyBpmmA"'] },
  },
  'Last-Modified': {
    description: 'When the bytes were stored. Send it in `If-Range` if the ETag is not known.',
    schema: { type: 'string', examples: ['Fri, 01 Jan 2027 00:00:00 GMT'] },
  },
  'Accept-Ranges': {
    description: '`bytes`: send `Range` to read a part.',
    schema: { type: 'string', enum: ['bytes'] },
  },
  'Content-Range': {
    description: 'Which bytes of how many. After 416 only how many.',
    required: true,
    schema: { ...text('^bytes ([0-9]+-[0-9]+|\\*)/[0-9]+$'), examples: ['bytes 0-499/1234'] },
  },
  'Content-Disposition': {
    description: 'The name of the file (RFC 6266).',
    required: true,
    schema: { ...text('^(attachment|inline)(;|$)'), examples: ['attachment; filename="file.txt"'] },
  },
  'Content-Security-Policy': {
    description: 'Keeps a browser from running anything in the bytes.',
    required: true,
    schema: text('sandbox'),
  },
  Location: {
    description: 'Path of the created resource.',
    required: true,
    schema: { type: 'string', format: 'uri-reference' },
  },
  Link: {
    description: 'The next and previous page, and the documentation of deprecations (RFC 8288, RFC 9745).',
    schema: text('rel="(next|prev|deprecation)"'),
  },
  Deprecation: {
    description:
      'When the operation, or a part of it that the request used, was deprecated: seconds since 1970 (RFC 9745).',
    schema: { ...text('^@[0-9]+$'), examples: ['@1767225600'] },
  },
  Sunset: {
    description: 'When it will be removed (RFC 8594).',
    schema: { type: 'string', examples: ['Fri, 01 Jan 2027 00:00:00 GMT'] },
  },
  'Idempotency-Replayed': {
    description: '`true` if an earlier request with the same `Idempotency-Key` stored this answer.',
    schema: { type: 'string', enum: ['true'] },
  },
  'Accept-Encoding': {
    description: '`identity`: send the body uncompressed. Only after a request with a Content-Encoding.',
    schema: { type: 'string', enum: ['identity'] },
  },
  'WWW-Authenticate': { description: 'How to authenticate (RFC 9110).', required: true, schema: text('^Bearer ') },
  'Retry-After': {
    description: 'Seconds to wait before sending the request again.',
    schema: { type: 'integer', format: 'int32', minimum: 1, maximum: 3_600 },
  },
  RateLimit: {
    description:
      'Remaining points (an operation costs its complexity) or attempts, and seconds until there are more. Absent if nothing is limited.',
    schema: { ...text('^"\\w+";r=[0-9]+;t=[0-9]+$'), examples: ['"user";r=2999987;t=42'] },
  },
  'RateLimit-Policy': {
    description: 'The limit in points or attempts, and its window in seconds.',
    schema: { ...text('^"\\w+";q=[0-9]+;w=[0-9]+$'), examples: ['"user";q=3000000;w=60'] },
  },
} satisfies Record<string, JsonSchema>

/** Returns the headers that answers refer to. */
export function headerComponents(...answers: readonly unknown[]): Record<string, JsonSchema> {
  const used = JSON.stringify(answers)
  return Object.fromEntries(Object.entries(HEADERS).filter(([name]) => used.includes(`"#/components/headers/${name}"`)))
}

export type HeaderName = keyof typeof HEADERS

export const named = (...names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

/** Headers of every answer. Only the first two are always there. */
export const COMMON = named(
  'X-Request-Id',
  'Server-Timing',
  'Access-Control-Allow-Origin',
  'Vary',
  'RateLimit',
  'RateLimit-Policy',
)
