import { randomUUID } from 'node:crypto'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { GraphQLError } from 'graphql'
import { codeOf, issuesOf } from '../client-error.ts'
import { AppError, type ErrorCode, type Issue, kindOfError, shorten } from '../errors.ts'
import { observed } from '../observation.ts'

/** An RFC 9457 problem, extended with `code`, `requestId` and `errors`. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: string
  requestId: string
  errors?: { path: (string | number)[]; code: string; message: string }[]
}

/**
 * Sends an error as `application/problem+json`. `place` maps the paths of its issues to places in
 * the HTTP request.
 */
export function sendProblem(
  response: ServerResponse,
  requestId: string,
  error: GraphQLError | AppError,
  place: (path: Issue['path']) => Issue['path'] = (path) => path,
): void {
  const { code, issues, headers } = facts(error)
  const observation = observed()
  if (observation) observation.code ??= code
  const { status, title } = kindOfError(code)
  const moved = issues.map((issue) => ({ path: place(issue.path), code: issue.code, message: issue.message }))
  const problem: Problem = {
    type: 'about:blank',
    title,
    status,
    detail: code === 'VALIDATION_FAILED' && moved.length > 0 ? summary(moved) : error.message,
    code,
    requestId,
    ...(moved.length > 0 && { errors: moved }),
  }
  const body = Buffer.from(JSON.stringify(problem))
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="api"')
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
  response.setHeader('Content-Length', body.length)
  response.writeHead(status).end(body)
}

/** Writes the complete problem response to a socket that has no `ServerResponse`, and ends it. */
export function endWithProblem(stream: Duplex, status: number, code: ErrorCode, detail: string): void {
  const requestId = randomUUID()
  const title = STATUS_CODES[status] ?? kindOfError(code).title
  const problem: Problem = { type: 'about:blank', title, status, detail, code, requestId }
  const body = JSON.stringify(problem)
  const headers = {
    ...HEADERS,
    'X-Request-Id': requestId,
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  }
  const lines = [`HTTP/1.1 ${status} ${title}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)]
  stream.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
  // Leave a client that is still sending a moment to read the answer. A reset would discard it.
  const late = setTimeout(() => stream.destroy(), MAX_LINGERING_MS)
  stream.once('close', () => clearTimeout(late))
}

const MAX_LINGERING_MS = 1_000

const HEADERS = {
  'Content-Type': 'application/problem+json; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
}

function facts(error: GraphQLError | AppError) {
  if (error instanceof AppError) return error
  const original = error.originalError instanceof AppError ? error.originalError : undefined
  return { code: codeOf(error), issues: issuesOf(error), headers: original?.headers ?? {} }
}

function summary(issues: Issue[]): string {
  return shorten(issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
}
