import type { IncomingMessage } from 'node:http'
import type { HttpExchange } from './exchange.ts'

const EXPOSED_HEADERS =
  'Deprecation, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, Sunset, X-Request-Id'

/** Sets the CORS headers for an allowed origin. Answers a preflight request and returns true. */
export function answerCors({ request, response, method }: HttpExchange, allowed: readonly string[]): boolean {
  const origin = request.headers.origin
  if (origin === undefined) return false
  response.appendHeader('Vary', 'Origin')
  if (originAllowed(request, allowed)) {
    response.setHeader('Access-Control-Allow-Origin', origin)
    response.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS)
  }
  if (method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false
  response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
  response.setHeader('Access-Control-Allow-Headers', request.headers['access-control-request-headers'] ?? '*')
  response.setHeader('Access-Control-Max-Age', '600')
  response.writeHead(204).end()
  return true
}

/**
 * Allows pages of our own origin and of the configured ones. Allows clients without an Origin
 * header, which are not browsers.
 */
export function originAllowed(request: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = request.headers
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
}
