import type { JsonSchema } from './json-schema.ts'

export const EXAMPLE_REQUEST = '0b8a1a3c-6e63-4b0e-9d3c-0f4c1f6f5d55'

const text = (pattern: string) => ({ type: 'string', pattern })

/** Response headers, as components. A required header is on every answer that lists it. */
export const HEADERS = {
  'X-Request-Id': {
    description: 'Identifies the request in the log. A client may choose it: 1 to 100 characters of `A-Za-z0-9_.-`.',
    required: true,
    schema: { ...text('^[\\w.-]{1,100}$'), examples: [EXAMPLE_REQUEST] },
  },
  'Server-Timing': {
    description: 'Processing time in milliseconds.',
    required: true,
    schema: text('^total;dur=[0-9.]+$'),
  },
  'Access-Control-Allow-Origin': {
    description: 'The `Origin` of the request, if pages from it may call this server.',
    schema: { type: 'string' },
  },
  'Cache-Control': {
    description: 'How the response may be cached.',
    required: true,
    schema: { type: 'string' },
  },
  'Content-Encoding': {
    description: 'How the body is compressed. Only if `Accept-Encoding` asks for it.',
    schema: { type: 'string', enum: ['zstd', 'br', 'gzip'] },
  },
  Vary: { description: 'Request headers that the response depends on.', schema: { type: 'string' } },
  ETag: {
    description: 'Changes with the body. Send it in `If-None-Match`. If it starts with a version, also in `If-Match`.',
    required: true,
    schema: { ...text('^"(v[0-9]+\\.)?[\\w-]{22}(-(zstd|br|gzip))?"$'), examples: ['"v3.mVYtmGIWZK5YmXxPyBpmmA"'] },
  },
  'Last-Modified': {
    description: 'When the bytes were stored. Send it in `If-Range` if the ETag is not known.',
    schema: { type: 'string', examples: ['Fri, 01 Jan 2027 00:00:00 GMT'] },
  },
  'Accept-Ranges': {
    description: '`bytes`: send `Range` to read a part.',
    schema: { type: 'string', enum: ['bytes'] },
  },
  'Content-Range': {
    description: 'Which bytes of how many. After 416 only how many.',
    required: true,
    schema: { ...text('^bytes ([0-9]+-[0-9]+|\\*)/[0-9]+$'), examples: ['bytes 0-499/1234'] },
  },
  'Content-Disposition': {
    description: 'The name of the file (RFC 6266).',
    required: true,
    schema: { ...text('^(attachment|inline)(;|$)'), examples: ['attachment; filename="file.txt"'] },
  },
  'Content-Security-Policy': {
    description: 'Keeps a browser from running anything in the bytes.',
    required: true,
    schema: text('sandbox'),
  },
  Location: {
    description: 'Path of the created resource.',
    required: true,
    schema: { type: 'string', format: 'uri-reference' },
  },
  Link: {
    description: 'The next and previous page, and the documentation of deprecations (RFC 8288, RFC 9745).',
    schema: text('rel="(next|prev|deprecation)"'),
  },
  Deprecation: {
    description:
      'When the operation, or a part of it that the request used, was deprecated: seconds since 1970 (RFC 9745).',
    schema: { ...text('^@[0-9]+$'), examples: ['@1767225600'] },
  },
  Sunset: {
    description: 'When it will be removed (RFC 8594).',
    schema: { type: 'string', examples: ['Fri, 01 Jan 2027 00:00:00 GMT'] },
  },
  'Idempotency-Replayed': {
    description: '`true` if an earlier request with the same `Idempotency-Key` stored this answer.',
    schema: { type: 'string', enum: ['true'] },
  },
  'Accept-Encoding': {
    description: '`identity`: send the body uncompressed. Only after a request with a Content-Encoding.',
    schema: { type: 'string', enum: ['identity'] },
  },
  'WWW-Authenticate': { description: 'How to authenticate (RFC 9110).', required: true, schema: text('^Bearer ') },
  'Retry-After': {
    description: 'Seconds to wait before sending the request again.',
    schema: { type: 'integer', format: 'int32', minimum: 1, maximum: 3_600 },
  },
  RateLimit: {
    description:
      'Remaining points (an operation costs its complexity) or attempts, and seconds until there are more. Absent if nothing is limited.',
    schema: { ...text('^"\\w+";r=[0-9]+;t=[0-9]+$'), examples: ['"user";r=2999987;t=42'] },
  },
  'RateLimit-Policy': {
    description: 'The limit in points or attempts, and its window in seconds.',
    schema: { ...text('^"\\w+";q=[0-9]+;w=[0-9]+$'), examples: ['"user";q=3000000;w=60'] },
  },
} satisfies Record<string, JsonSchema>

/** Returns the headers that answers refer to. */
export function headerComponents(...answers: readonly unknown[]): Record<string, JsonSchema> {
  const used = JSON.stringify(answers)
  return Object.fromEntries(Object.entries(HEADERS).filter(([name]) => used.includes(`"#/components/headers/${name}"`)))
}

export type HeaderName = keyof typeof HEADERS

export const named = (...names: readonly HeaderName[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

/** Headers of every answer. Only the first two are always there. */
export const COMMON = named(
  'X-Request-Id',
  'Server-Timing',
  'Access-Control-Allow-Origin',
  'Vary',
  'RateLimit',
  'RateLimit-Policy',
)
