import { LRUCache } from 'lru-cache'
import type { Engine } from '../engine.ts'
import { AppError, type Issue, validationFailed } from '../errors.ts'
import type { ContextFactory, GatewayContext } from '../gateway-context.ts'
import { entityTag, matchingTag } from '../http/conditional.ts'
import { sendBody, variesByEncoding } from '../http/encoding.ts'
import { gatewayRequest, type HttpExchange } from '../http/exchange.ts'
import { sendProblem } from '../http/problem.ts'
import { decodeForm } from '../http/utf8.ts'
import { notStored, REPLAYED, readIdempotencyKey } from '../idempotency-key.ts'
import type { EngineResult } from '../live/outcome.ts'
import { requiresPrincipal } from '../operation.ts'
import type { PreparedOperation } from '../prepared-operation.ts'
import { requirePrincipal } from '../require-principal.ts'
import type { Variables } from '../variables.ts'
import {
  acceptsDeprecated,
  type Deprecation,
  deprecationOf,
  deprecationsUsed,
  sendDeprecations,
} from './deprecation.ts'
import { fileInBody } from './file-body.ts'
import { coercionIssues, parseJson, planInput, readInput } from './input.ts'
import { linkHeader } from './links.ts'
import { placeOf, refusePath } from './places.ts'
import type { Route } from './routes.ts'
import { hide, type Representation, selectRepresentation } from './selection.ts'
import { openBody } from './streamed-body.ts'

export type RouteHandler = (exchange: HttpExchange, params: Record<string, string | undefined>) => Promise<void>

interface Prepared {
  operation: PreparedOperation
  hidden: readonly string[]
  deprecations: readonly Deprecation[]
}

/** Maximum number of cached representations per route. */
const MAX_REPRESENTATIONS = 20

/**
 * Creates the handler of a route: authenticate, read the input, run the operation, send the answer.
 */
export function createRouteHandler<Context extends GatewayContext>(
  route: Route,
  options: { engine: Engine; createContext: ContextFactory<Context>; basePath: string },
): RouteHandler {
  const { engine, createContext, basePath } = options
  const plan = planInput(route)
  const prepared = new LRUCache<string, Prepared>({ max: MAX_REPRESENTATIONS })
  const isPublic = !requiresPrincipal(route.field)
  const own = [deprecationOf(route.deprecable) ?? []].flat()
  const watched = route.args.filter(acceptsDeprecated)
  const isList = route.args.some((arg) => arg.name === 'first')

  function prepare(representation: Representation, issues: Issue[]): Prepared | undefined {
    const key = JSON.stringify([representation.fields, representation.include])
    const cached = prepared.get(key)
    if (cached) return cached
    const before = issues.length
    const selection = selectRepresentation(engine.schema, route.document, representation, issues)
    if (issues.length > before) return undefined
    const operation = engine.prepare(selection.document)
    if ('errors' in operation)
      throw new Error(`The REST operation of ${route.fieldName} is not valid: ${operation.errors[0]?.message}`)
    const entry = { operation, hidden: selection.hidden, deprecations: selection.deprecations }
    prepared.set(key, entry)
    return entry
  }

  return async function handle(exchange, params) {
    const { response, requestId } = exchange
    const large = route.rest.large === true
    const { streamedBody } = route.rest
    const isFile = plan.file !== undefined
    const readsBody = route.method !== 'GET' && !isFile && !streamedBody
    // The operation reads a file only if it wants it.
    response.lingers = isFile || streamedBody !== undefined
    if (readsBody) await exchange.refuseOversized({ large })
    const waits = isPublic && !large && !isFile && !streamedBody
    const early = waits ? undefined : await createContext(gatewayRequest(exchange, 'rest'))
    response.payer = early?.payer
    if (early && !isPublic) requirePrincipal(route.field, early)

    // Only a signed-in client may send a large body.
    const sent = readsBody ? await readBody(exchange, large && early?.principal != null) : undefined
    const body = plan.file === undefined ? sent : fileInBody(exchange, plan.file)
    const query = decodeForm(exchange.query, 'The query string')
    const issues: Issue[] = []
    const input = readInput(plan, { params, query, body, headers: exchange.request.headers }, issues)
    const unknownNames: Issue[] = []
    const ready = prepare(input, unknownNames)
    if (!ready || issues.length > 0) {
      throw validationFailed([...issues, ...coercionIssues(plan, input.variables), ...unknownNames])
    }

    const context = early ?? (await createContext(gatewayRequest(exchange, 'rest')))
    response.payer = context.payer
    const key = route.kind === 'mutation' ? readIdempotencyKey(exchange.request.headers) : undefined
    if (streamedBody) {
      if (key !== undefined) throw notStored(': the body is read once, while it arrives')
      input.variables[streamedBody.argument] = openBody(exchange, streamedBody)
    }
    const { result, replayed } =
      key === undefined
        ? { result: await engine.run(ready.operation, input.variables, context), replayed: false }
        : await engine.runOnce(ready.operation, input.variables, context, key)
    if (replayed) response.setHeader(REPLAYED, 'true')
    const error = result.errors?.[0]
    // Search only values that were coerced: others may be nested to any depth.
    const used = isCoercionError(result) ? [] : deprecationsUsed(watched, input.variables)
    const deprecations = [...ready.deprecations, ...used]
    if (deprecations.length > 0) sendDeprecations(response, [...own, ...deprecations], basePath)
    if (error) {
      refusePath(plan, error)
      return sendProblem(response, requestId, error, (path) => placeOf(plan, path))
    }
    const answer = result.data?.[route.fieldName]
    if (answer === null || answer === undefined)
      throw new AppError('NOT_FOUND', `${exchange.path} does not exist or you cannot see it.`)
    if (isList) setLinks(exchange, query, answer)
    return send(exchange, route.rest.key ? { [route.rest.key]: answer } : answer, ready.hidden, input.variables)
  }

  async function readBody(exchange: HttpExchange, large: boolean): Promise<unknown> {
    const body = parseJson(await exchange.body({ large }), exchange.request.headers['content-type'])
    const issue = engine.sizeIssue(body, { large })
    // The engine finds values that are too deep, each at its own place.
    if (issue?.code === 'too_large') throw validationFailed([{ path: ['body'], ...issue }])
    return body
  }

  function setLinks(exchange: HttpExchange, query: URLSearchParams, answer: unknown): void {
    const link = linkHeader(exchange.path, query, answer)
    if (link) exchange.response.appendHeader('Link', link)
  }

  function send(
    exchange: HttpExchange,
    answer: unknown,
    hidden: readonly string[],
    variables: Variables,
  ): Promise<void> | undefined {
    const { request, response } = exchange
    const whole = isList ? withoutEmptyFields(answer as Record<string, unknown>) : (answer as Record<string, unknown>)
    response.setHeader('Cache-Control', route.method === 'GET' ? 'private, no-cache' : 'no-store')
    if (route.rest.location) response.setHeader('Location', `${basePath}${route.rest.location(whole, variables)}`)
    if (route.status === 204) return void response.writeHead(204).end()
    const version = whole.version
    const body = JSON.stringify(hidden.length > 0 ? hide(whole, hidden) : whole)
    const tag = entityTag(body, version)
    response.setHeader('Vary', 'Authorization, X-API-Key, Origin')
    const condition = request.headers['if-none-match']
    const match = route.method === 'GET' && condition !== undefined ? matchingTag(condition, tag) : undefined
    response.setHeader('ETag', match ?? tag)
    if (match !== undefined) {
      if (variesByEncoding(exchange, body)) response.appendHeader('Vary', 'Accept-Encoding')
      return void response.writeHead(304).end()
    }
    response.setHeader('Content-Type', 'application/json; charset=utf-8')
    return sendBody(exchange, route.status, body)
  }
}

/** Returns true if the operation did not run, because its variables could not be coerced. */
const isCoercionError = ({ data }: EngineResult) => data === undefined

/** Returns a list's envelope without its empty fields. */
function withoutEmptyFields(envelope: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(envelope).filter(([, value]) => value !== null))
}
