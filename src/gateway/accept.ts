import type { IncomingMessage } from 'node:http'
import Negotiator from 'negotiator'

/** Parameters of a media type other than its weight. A quoted value may contain commas and semicolons. */
const PARAMETER = /;(?!\s*q\s*=)[^;,="]*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^;,"]*))?/gi

/**
 * Returns the media type that a request prefers (RFC 9110 12.5.1), or undefined where it accepts none of them. Between types
 * of the same weight the request's order decides, then the order of `types`. Parameters do not count: our types have none to choose from.
 */
export function preferredType<Type extends string>(
  { headers }: Pick<IncomingMessage, 'headers'>,
  types: readonly Type[],
): Type | undefined {
  const accept = headers.accept?.replace(PARAMETER, '')
  // An empty list says nothing, as no header does.
  if (accept === undefined || /^[\s,]*$/.test(accept)) return types[0]
  return new Negotiator({ headers: { accept } }).mediaType([...types]) as Type | undefined
}
