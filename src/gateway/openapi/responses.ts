import { type GraphQLField, GraphQLNonNull, getNamedType } from 'graphql'
import { type ErrorCode, isErrorCode, kindOfError } from '../errors.ts'
import type { RestOperation } from '../operation.ts'
import type { InputPlan } from '../rest/input.ts'
import type { Route } from '../rest/routes.ts'
import { isConnection, nullable } from '../rest/view.ts'
import { COMMON, EXAMPLE_REQUEST, type HeaderName, named } from './headers.ts'
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
  return {
    description: 'The file.',
    headers: { ...shared, ...named('Content-Encoding', 'Content-Disposition') },
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
