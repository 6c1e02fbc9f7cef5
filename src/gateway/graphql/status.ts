/** The HTTP status of a GraphQL answer. */
import type { GraphQLError } from 'graphql'
import { codeOf } from '../client-error.ts'
import { AppError, type ErrorCode, kindOfError } from '../errors.ts'
import type { EngineResult } from '../live/outcome.ts'

/** What an error says about the answer as a whole. In `error.extensions.http`. */
export interface HttpExtension {
  status: number
  headers?: Record<string, string>
  /** Only if the client accepts more than `application/json`. */
  spec?: boolean
}

/**
 * Errors that say nothing about the operation: the same request can succeed later. Proxies and
 * clients must see them, so their status applies to both media types.
 */
const OF_THE_SERVER: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL'])

/**
 * Sets the status of an answer whose operation failed as a whole: 503, 429 or 500 if the server
 * could not run it, 400 if it is wrong. An answer with any data keeps 200.
 */
export function withStatus(result: EngineResult): EngineResult {
  const { data, errors } = result
  if (!errors?.length) return result
  if (errors.every((error) => OF_THE_SERVER.has(codeOf(error))) && hasNothing(data, errors)) {
    return { ...result, errors: errors.map((error) => withHttp(error, httpOf(error))) }
  }
  return data === undefined ? refused(errors) : result
}

/** Checks that every root field failed. A field may also be null because there is nothing. */
function hasNothing(data: EngineResult['data'], errors: readonly GraphQLError[]): boolean {
  if (!data) return true
  const failed = new Set(errors.map(({ path }) => path?.[0]))
  return Object.entries(data).every(([name, value]) => value === null && failed.has(name))
}

function httpOf(error: GraphQLError): HttpExtension {
  const headers = error.originalError instanceof AppError ? error.originalError.headers : {}
  return { status: kindOfError(codeOf(error)).status, headers: { ...headers } }
}

/**
 * Returns errors of the request as a whole: status 400, or 200 if the client accepts only
 * `application/json` (GraphQL over HTTP).
 */
export function refused(errors: readonly GraphQLError[]): EngineResult {
  return { errors: errors.map((error) => withHttp(error, { status: 400, spec: true })) }
}

/** Sets the status of the whole answer, unless the error already has one. */
export function withHttp(error: GraphQLError, fallback: HttpExtension): GraphQLError {
  const given = error.extensions.http as HttpExtension | undefined
  error.extensions.http = { ...fallback, ...given, spec: fallback.spec ?? false }
  return error
}
