import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../errors.ts'

/** Checks headers that concern the message as a whole, before anything reads it. */

/**
 * The characters of a host and port (RFC 3986 3.2.2), except those that no server name contains.
 */
const HOST = /^[\w.~%:[\]-]+$/

/** Requires one valid Host header (RFC 9112 3.2). HTTP/1.0 has none. */
export function requireHost({ headers: { host }, httpVersion }: IncomingMessage): void {
  const valid = host === undefined ? httpVersion === '1.0' : HOST.test(host) && URL.canParse(`http://${host}/`)
  if (valid) return
  throw new AppError('BAD_REQUEST', 'Send one valid Host header.')
}

/**
 * Rejects what Node would ignore: a transfer coding other than chunked (RFC 9112 6.1), whose bytes
 * it would pass on as they are, and an expectation other than 100-continue (RFC 9110 10.1.1).
 */
export function requirePlainFraming({ headers }: IncomingMessage, response: ServerResponse): void {
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    response.setHeader('Connection', 'close')
    throw new AppError('NOT_IMPLEMENTED', `Transfer-Encoding: ${coding} is not supported. Use chunked alone.`)
  }
  const expected = headers.expect
  if (expected !== undefined && expected.trim().toLowerCase() !== '100-continue') {
    response.setHeader('Connection', 'close')
    throw new AppError('EXPECTATION_FAILED', `Expect: ${expected} is not supported. Use 100-continue or leave it out.`)
  }
}
