import { randomUUID } from 'node:crypto'
import { GraphQLError } from 'graphql'
import { AppError, type ErrorCode, type Issue, isErrorCode, shorten } from './errors.ts'
import type { GatewayContext } from './gateway-context.ts'

/**
 * Turns a foreign error that the client caused, such as a database constraint, into an AppError.
 * Returns undefined to mask it.
 */
export type ErrorTranslator = (error: unknown) => AppError | undefined

/**
 * Returns the error as a client may see it. An AppError keeps its code and message. An error in the
 * document becomes BAD_REQUEST. Anything else is logged with the request id and masked as INTERNAL.
 */
export function toClientError(
  error: unknown,
  context: Pick<GatewayContext, 'requestId' | 'log'> | undefined,
  translate: ErrorTranslator = () => undefined,
): GraphQLError {
  const outer = error instanceof GraphQLError ? error : undefined
  const cause = rootCause(error)
  if (cause instanceof GraphQLError) {
    // graphql-js rejected the document, or the error was already made for clients.
    const code = isErrorCode(cause.extensions.code) ? cause.extensions.code : 'BAD_REQUEST'
    return clientError(shorten(cause.message), code, issuesOf(cause), context?.requestId, outer ?? cause)
  }
  const known = cause instanceof AppError ? cause : translate(cause)
  if (known) return clientError(known.message, known.code, known.issues, context?.requestId, outer, known)
  const requestId = context?.requestId ?? randomUUID()
  context?.log.error({ err: cause, path: outer?.path }, 'an operation failed unexpectedly')
  return clientError(
    `Something went wrong on the server. Report it with the request id ${requestId}.`,
    'INTERNAL',
    [],
    requestId,
    outer,
  )
}

function rootCause(error: unknown): unknown {
  let cause = error
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError
  return cause
}

export function issuesOf(error: GraphQLError): readonly Issue[] {
  return Array.isArray(error.extensions.issues) ? (error.extensions.issues as Issue[]) : []
}

export function codeOf(error: GraphQLError): ErrorCode {
  return isErrorCode(error.extensions.code) ? error.extensions.code : 'INTERNAL'
}

/** An error about a name that occurs many times shows the first of them. */
const MAX_LOCATIONS = 10

function clientError(
  message: string,
  code: ErrorCode,
  issues: readonly Issue[],
  requestId: string | undefined,
  place: GraphQLError | undefined,
  original?: AppError,
): GraphQLError {
  return new GraphQLError(message, {
    nodes: place?.nodes?.slice(0, MAX_LOCATIONS),
    source: place?.source,
    positions: place?.positions?.slice(0, MAX_LOCATIONS),
    path: place?.path,
    originalError: original,
    // Yoga reads the status of a refused document from `http` and removes it from the answer.
    extensions: {
      code,
      ...(requestId && { requestId }),
      ...(issues.length > 0 && { issues }),
      ...(original?.headers['Retry-After'] && { retryAfter: Number(original.headers['Retry-After']) }),
      ...(place?.extensions.http ? { http: place.extensions.http } : {}),
    },
  })
}
