import { randomUUID } from 'node:crypto'
import { GraphQLError } from 'graphql'
import type { GatewayContext } from './context.ts'
import { AppError, type ErrorCode, type Issue, isErrorCode } from './errors.ts'

/** Turns a foreign error (a database's, say) that is the client's doing into an AppError; undefined leaves it masked. */
export type ErrorTranslator = (error: unknown) => AppError | undefined

/**
 * The error as a client may see it: an AppError keeps its code and message, a complaint about the document is
 * BAD_REQUEST, everything else is logged with the request id and masked as INTERNAL.
 */
export function toClientError(
  error: unknown,
  context: Pick<GatewayContext, 'requestId' | 'log'> | undefined,
  translate: ErrorTranslator = () => undefined,
): GraphQLError {
  const outer = error instanceof GraphQLError ? error : undefined
  const cause = rootCause(error)
  if (cause instanceof GraphQLError) {
    // No cause beneath: graphql-js complains about the document, or the error was made for clients already.
    const code = isErrorCode(cause.extensions.code) ? cause.extensions.code : 'BAD_REQUEST'
    return clientError(cause.message, code, issuesOf(cause), context?.requestId, outer ?? cause)
  }
  const known = cause instanceof AppError ? cause : translate(cause)
  if (known) return clientError(known.message, known.code, known.issues, context?.requestId, outer, known)
  const requestId = context?.requestId ?? randomUUID()
  context?.log.error({ err: cause, path: outer?.path }, 'an operation failed unexpectedly')
  return clientError(
    `Something went wrong on the server. It is logged as ${requestId}.`,
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

function clientError(
  message: string,
  code: ErrorCode,
  issues: readonly Issue[],
  requestId: string | undefined,
  place: GraphQLError | undefined,
  original?: AppError,
): GraphQLError {
  return new GraphQLError(message, {
    nodes: place?.nodes,
    source: place?.source,
    positions: place?.positions,
    path: place?.path,
    originalError: original,
    // Yoga reads the status of a refused document from `http` and takes it out of the answer.
    extensions: {
      code,
      ...(requestId && { requestId }),
      ...(issues.length > 0 && { issues }),
      ...(original?.headers['Retry-After'] && { retryAfter: Number(original.headers['Retry-After']) }),
      ...(place?.extensions.http ? { http: place.extensions.http } : {}),
    },
  })
}
