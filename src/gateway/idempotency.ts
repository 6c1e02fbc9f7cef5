import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type GraphQLSchema, Kind, print } from 'graphql'
import type { PreparedOperation, Variables } from './engine.ts'
import { AppError } from './errors.ts'

/**
 * `Idempotency-Key` (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/): a mutation that is sent again with
 * the same key is not done again, but answered as it was.
 */
const HEADER = 'idempotency-key'

/** On an answer that is of an earlier request. */
export const REPLAYED = 'Idempotency-Replayed'

/** Printable ASCII: what every client and log can carry. */
const KEY = /^[\x21-\x7e]{1,255}$/

/** The key of a request; undefined where there is none. */
export function readIdempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const key = headers[HEADER]
  if (key === undefined) return undefined
  if (typeof key === 'string' && KEY.test(key)) return key
  throw refused('invalid', 'must be 1 to 255 printable ASCII characters without spaces')
}

/** What tells one request from another that has the same key. */
export function fingerprintOf({ document, operation }: PreparedOperation, variables: Variables): string {
  const request = JSON.stringify([operation.name?.value ?? '', print(document), variables])
  return createHash('sha256').update(request).digest('base64url')
}

/** Refuses the key where a request or its answer must not be kept: secrets are shown once, and stored nowhere. */
export function requireKeepable(schema: GraphQLSchema, { operation }: PreparedOperation): void {
  const fields = schema.getMutationType()?.getFields() ?? {}
  for (const selection of operation.selectionSet.selections) {
    const field = selection.kind === Kind.FIELD ? fields[selection.name.value] : undefined
    if (field && (field.extensions as { handlesSecrets?: boolean }).handlesSecrets !== true) continue
    throw refused(
      'unsupported',
      'is not kept here: there is a secret in the request or its answer, or it cannot be told that there is none',
    )
  }
}

/** For an application that keeps no answers. */
export function notKept(): AppError {
  return refused('unsupported', 'is not kept here')
}

function refused(code: string, message: string): AppError {
  const issues = [{ path: ['header', 'Idempotency-Key'], code, message }]
  return new AppError('VALIDATION_FAILED', `Idempotency-Key: ${message}`, { issues })
}
