import type { IncomingMessage } from 'node:http'
import Negotiator from 'negotiator'

/**
 * Parameters of a media type other than its weight. A quoted value may contain
 * commas and semicolons.
 */
const PARAMETER = /;(?!\s*q\s*=)[^;,="]*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^;,"]*))?/gi

/**
 * Returns the media type that a request prefers (RFC 9110 12.5.1), or undefined if it accepts
 * none. For equal weights the order of the request decides, then the order of `types`. Parameters
 * are ignored: none of our types has any.
 */
export function preferredType<Type extends string>(
  { headers }: Pick<IncomingMessage, 'headers'>,
  types: readonly Type[],
): Type | undefined {
  const accept = headers.accept?.replace(PARAMETER, '')
  // An empty header means the same as no header.
  if (accept === undefined || /^[\s,]*$/.test(accept)) return types[0]
  return new Negotiator({ headers: { accept } }).mediaType([...types]) as Type | undefined
}
