import { pipeline } from 'node:stream/promises'
import { create } from 'content-disposition'
import { combineRanges, parse } from 'range-parser'
import type { Engine } from '../engine.ts'
import { AppError, validationFailed } from '../errors.ts'
import type { ContextFactory, GatewayContext } from '../gateway-context.ts'
import { countStreamed } from '../http/collect.ts'
import { matchingTag } from '../http/conditional.ts'
import { gatewayRequest, type HttpExchange } from '../http/exchange.ts'
import { sendProblem } from '../http/problem.ts'
import { decodeForm } from '../http/utf8.ts'
import type { Content, RestContent } from '../operation.ts'
import { requirePrincipal } from '../require-principal.ts'
import type { RouteHandler } from './handler.ts'
import { planInput, readInput } from './input.ts'
import { placeOf, refusePath } from './places.ts'
import type { Route } from './routes.ts'
import { selectableNames, selectRepresentation } from './selection.ts'

/**
 * Headers of bytes that a client once sent. Browsers save them instead of showing them, and run
 * nothing in them.
 */
const SAFE = {
  'Content-Security-Policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'private, no-cache',
  Vary: 'Authorization, X-API-Key, Origin',
}

/**
 * Creates the handler of the bytes behind an operation: it runs the operation, which decides who may
 * have them, and sends them whole or in part (RFC 9110 14).
 */
export function createContentHandler<Context extends GatewayContext>(
  route: Route,
  content: RestContent,
  { engine, createContext }: { engine: Engine; createContext: ContextFactory<Context> },
): RouteHandler {
  const plan = planInput({ ...route, args: route.args.filter(({ name }) => route.pathParameters.includes(name)) })
  const leaves = { fields: selectableNames(engine.schema, route.document).fields, include: [] }
  const operation = engine.prepare(selectRepresentation(engine.schema, route.document, leaves, []).document)
  if ('errors' in operation) throw new Error(`The REST operation of ${route.fieldName} is not valid`)

  return async function handle(exchange, params) {
    const { response, request, requestId } = exchange
    const context = await createContext(gatewayRequest(exchange, 'rest'))
    response.payer = context.payer
    requirePrincipal(route.field, context)
    const query = decodeForm(exchange.query, 'The query string')
    const issues = [...new Set(query.keys())].map((name) => ({
      path: ['query', name],
      code: 'unknown_parameter',
      message: 'is not a known parameter',
    }))
    if (issues.length > 0) throw validationFailed(issues)
    const { variables } = readInput(plan, { params, query, body: undefined, headers: request.headers }, [])
    const result = await engine.run(operation, variables, context)
    const [error] = result.errors ?? []
    if (error) {
      refusePath(plan, error)
      return sendProblem(response, requestId, error, (path) => placeOf(plan, path))
    }
    const answer = result.data?.[route.fieldName] as Record<string, unknown>
    // Sending counts as running, for as long as the client takes.
    const tooMany = context.payer?.enter()
    if (tooMany) throw tooMany
    try {
      await sendContent(exchange, await content.open(answer, context))
    } finally {
      context.payer?.leave()
    }
  }
}

async function sendContent({ request, response, method }: HttpExchange, content: Content): Promise<void> {
  const { size, modifiedAt } = content
  const tag = `"${content.tag}"`
  const known = request.headers['if-none-match']
  const isKnown = known !== undefined && matchingTag(known, tag) !== undefined
  const applies = !isKnown && appliesTo(request.headers['if-range'], tag, modifiedAt)
  const range = applies ? rangeOf(request.headers.range, size) : undefined
  for (const [name, value] of Object.entries(SAFE)) response.setHeader(name, value)
  response.setHeader('ETag', tag)
  response.setHeader('Last-Modified', modifiedAt.toUTCString())
  response.setHeader('Accept-Ranges', 'bytes')
  if (isKnown) return void response.writeHead(304).end()
  const { start, end } = range ?? { start: 0, end: size - 1 }
  response.setHeader('Content-Type', content.contentType)
  response.setHeader('Content-Disposition', create(content.filename))
  response.setHeader('Content-Length', end - start + 1)
  if (range) response.setHeader('Content-Range', `bytes ${start}-${end}/${size}`)
  const status = range ? 206 : 200
  if (method === 'HEAD' || size === 0) return void response.writeHead(status).end()
  const bytes = await content.read(start, end)
  // The deadline may have passed, or the client may have left.
  if (response.headersSent || response.destroyed) return void bytes.destroy()
  response.writeHead(status)
  const sending = pipeline(bytes, response)
  bytes.on('data', (chunk: Buffer) => countStreamed(chunk.length))
  await sending
}

/** Checks `If-Range` (RFC 9110 13.1.5): a range is sent only of the bytes that the client has. */
function appliesTo(header: string | string[] | undefined, tag: string, modifiedAt: Date): boolean {
  if (typeof header !== 'string') return header === undefined
  return header.includes('"') ? header === tag : Date.parse(header) === Math.floor(modifiedAt.getTime() / 1_000) * 1_000
}

/**
 * Returns the range that a request asks for; undefined for the whole. Throws RANGE_NOT_SATISFIABLE
 * for an invalid one and for several that do not join to one. Other units than bytes are ignored.
 */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  if (header === undefined) return undefined
  const { code, type, ranges } = parse(size, header)
  if (type !== 'bytes') return undefined
  const [range, ...others] = combineRanges(ranges)
  if ((code & INVALID) === 0 && range && others.length === 0) return range
  const message = `Range: ${header} is not one range of bytes within the ${size} there are.`
  throw new AppError('RANGE_NOT_SATISFIABLE', message, { headers: { 'Content-Range': `bytes */${size}` } })
}

/** A bit of the parser's code. */
const INVALID = 1
