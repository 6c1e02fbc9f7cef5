import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type GraphQLSchema, Kind, print } from 'graphql'
import { AppError } from './errors.ts'
import type { PreparedOperation } from './prepared-operation.ts'
import type { Variables } from './variables.ts'

/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a mutation that is sent again
 * with the same key is not run again. It gets the stored answer.
 */
const HEADER = 'idempotency-key'

/** Header of an answer that was stored by an earlier request. */
export const REPLAYED = 'Idempotency-Replayed'

/** Printable ASCII, which every client and log supports. */
const KEY = /^[\x21-\x7e]{1,255}$/

/**
 * Returns the key of a request, or undefined if there is none. Throws VALIDATION_FAILED if
 * it is malformed.
 */
export function readIdempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const key = headers[HEADER]
  if (key === undefined) return undefined
  if (typeof key === 'string' && KEY.test(key)) return key
  throw refused('invalid', 'must be 1 to 255 printable ASCII characters without spaces')
}

/** Returns a hash that distinguishes requests with the same key. */
export function fingerprintOf({ document, operation }: PreparedOperation, variables: Variables): string {
  const request = JSON.stringify([operation.name?.value ?? '', print(document), variables])
  return createHash('sha256').update(request).digest('base64url')
}

/**
 * Rejects the key if the request or its answer contains a secret: secrets are shown once
 * and never stored.
 */
export function requireStorable(schema: GraphQLSchema, { operation }: PreparedOperation): void {
  const fields = schema.getMutationType()?.getFields() ?? {}
  for (const selection of operation.selectionSet.selections) {
    const field = selection.kind === Kind.FIELD ? fields[selection.name.value] : undefined
    if (field && (field.extensions as { handlesSecrets?: boolean }).handlesSecrets !== true) continue
    throw refused('unsupported', 'is not supported here: the request or its answer may contain a secret')
  }
}

/** Rejects the key in an application that stores no answers. */
export function notStored(reason = ''): AppError {
  return refused('unsupported', `is not supported here${reason}`)
}

function refused(code: string, message: string): AppError {
  const issues = [{ path: ['header', 'Idempotency-Key'], code, message }]
  return new AppError('VALIDATION_FAILED', `Idempotency-Key: ${message}`, { issues })
}
