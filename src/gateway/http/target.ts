import type { IncomingMessage } from 'node:http'

/** Scheme, authority, and the rest of a request target in absolute form. */
const ABSOLUTE = /^https?:\/\/([^/?]*)(.*)$/i

/**
 * Splits the request target. One in absolute form (RFC 9112 3.2.2), as proxies and tests send it,
 * also replaces the Host header, which must then be ignored.
 */
export function readTarget(request: IncomingMessage): { path: string; query: string } {
  const absolute = request.url?.startsWith('/') ? null : ABSOLUTE.exec(request.url ?? '')
  if (absolute) {
    const [, authority = '', rest = ''] = absolute
    request.url = rest.startsWith('/') ? rest : `/${rest}`
    // HTTP/1.1 requires the header even so.
    if (request.headers.host !== undefined || request.httpVersion === '1.0') request.headers.host = authority
  }
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) }
}

/** Returns a path without the slash at its end. */
export function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
