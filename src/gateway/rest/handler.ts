import type { GraphQLError } from 'graphql'
import { LRUCache } from 'lru-cache'
import { issuesOf } from '../client-error.ts'
import type { ContextFactory, GatewayContext } from '../context.ts'
import type { Engine, PreparedOperation, Variables } from '../engine.ts'
import { AppError, type Issue, validationFailed } from '../errors.ts'
import { gatewayRequest, type HttpExchange } from '../http.ts'
import { REPLAYED, readIdempotencyKey } from '../idempotency.ts'
import { sendProblem } from '../problem.ts'
import { decodeForm } from '../utf8.ts'
import { entityTag, noneMatch } from './conditional.ts'
import { type Deprecation, deprecationOf, deprecationsUsed, takesDeprecated, tellDeprecations } from './deprecation.ts'
import { type InputPlan, parseJson, placeInRequest, planInput, readInput } from './input.ts'
import { linkHeader } from './links.ts'
import { accessOf, type OpenApiInfo } from './openapi-operation.ts'
import type { Route } from './routes.ts'
import { type Representation, selectRepresentation } from './selection.ts'

export type RouteHandler = (exchange: HttpExchange, params: Record<string, string | undefined>) => Promise<void>

interface Prepared {
  operation: PreparedOperation
  hidden: readonly string[]
  deprecations: readonly Deprecation[]
}

/** Representations of one route kept prepared. */
const MAX_REPRESENTATIONS = 100

/** Serves one route: request → variables → engine → answer. */
export function createRouteHandler<Context extends GatewayContext>(
  route: Route,
  options: { engine: Engine; createContext: ContextFactory<Context>; basePath: string; info: OpenApiInfo },
): RouteHandler {
  const { engine, createContext, basePath, info } = options
  const plan = planInput(route)
  const prepared = new LRUCache<string, Prepared>({ max: MAX_REPRESENTATIONS })
  const { isPublic } = accessOf(route, info)
  const own = [deprecationOf(route.deprecable) ?? []].flat()
  const watched = route.args.filter(takesDeprecated)
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
    const issues: Issue[] = []
    // A large body is read of who is signed in: finding that out costs less.
    const early = route.rest.large ? await createContext(gatewayRequest(exchange, 'rest')) : undefined
    const body = route.method === 'GET' ? undefined : await readBody(exchange, early?.principal != null)
    const query = decodeForm(exchange.query, 'The query string')
    const input = readInput(plan, { params, query, body, headers: exchange.request.headers }, issues)
    const ready = prepare(input, issues)
    if (!ready || issues.length > 0) throw validationFailed(issues)
    const used = [...ready.deprecations, ...deprecationsUsed(watched, input.variables)]
    if (used.length > 0) tellDeprecations(response, [...own, ...used], basePath)

    const context = early ?? (await createContext(gatewayRequest(exchange, 'rest')))
    const key = route.kind === 'mutation' ? readIdempotencyKey(exchange.request.headers) : undefined
    const { result, replayed } =
      key === undefined
        ? { result: await engine.run(ready.operation, input.variables, context), replayed: false }
        : await engine.runOnce(ready.operation, input.variables, context, key)
    if (replayed) response.setHeader(REPLAYED, 'true')
    const error = result.errors?.[0]
    if (error) {
      refusePath(plan, error, isPublic || context.principal !== null)
      return sendProblem(response, requestId, error, (path) => placeOf(plan, path))
    }
    const answer = result.data?.[route.fieldName]
    if (answer === null || answer === undefined) throw new AppError('NOT_FOUND', 'There is no such thing.')
    if (isList) setLinks(exchange, query, answer)
    send(exchange, route.rest.key ? { [route.rest.key]: answer } : answer, ready.hidden, input.variables)
  }

  async function readBody(exchange: HttpExchange, large: boolean): Promise<unknown> {
    return parseJson(await exchange.body({ large }), exchange.request.headers['content-type'])
  }

  function setLinks(exchange: HttpExchange, query: URLSearchParams, answer: unknown): void {
    const link = linkHeader(exchange.path, query, answer)
    if (link) exchange.response.appendHeader('Link', link)
  }

  function send(
    { request, response }: HttpExchange,
    answer: unknown,
    hidden: readonly string[],
    variables: Variables,
  ): void {
    const whole = answer as Record<string, unknown>
    if (isList) leaveOutNothings(whole)
    response.setHeader('Cache-Control', route.method === 'GET' ? 'private, no-cache' : 'no-store')
    if (route.rest.location) response.setHeader('Location', `${basePath}${route.rest.location(whole, variables)}`)
    if (route.status === 204) return void response.writeHead(204).end()
    const version = whole.version
    const body = Buffer.from(JSON.stringify(hidden.length > 0 ? hide(whole, hidden) : answer))
    const tag = entityTag(body, version)
    response.setHeader('ETag', tag)
    response.setHeader('Vary', 'Authorization, X-API-Key, Origin')
    const condition = request.headers['if-none-match']
    if (route.method === 'GET' && condition !== undefined && !noneMatch(condition, tag)) {
      return void response.writeHead(304).end()
    }
    response.setHeader('Content-Type', 'application/json; charset=utf-8')
    response.setHeader('Content-Length', body.length)
    response.writeHead(route.status).end(body)
  }
}

/** What cannot be an id stands for nothing that is there, where a path has it; elsewhere it is a value that breaks a rule of its input. */
function refusePath(plan: InputPlan, error: GraphQLError, mayLook: boolean): void {
  if (error.extensions.code !== 'VALIDATION_FAILED') return
  for (const issue of issuesOf(error)) {
    const [place, name] = placeOf(plan, issue.path)
    if (place !== 'path' || name === undefined || plan.fills[name] === undefined) continue
    // As every other path has it: who has to sign in is told nothing else.
    if (!mayLook) throw new AppError('UNAUTHENTICATED', 'Sign in first.')
    throw new AppError('NOT_FOUND', `There is nothing with this ${name}: it ${issue.message}.`, {
      path: [place, name],
    })
  }
}

/** A path that starts at no argument (a rule of the service's own) stays as it is. */
function placeOf(plan: InputPlan, path: Issue['path']): Issue['path'] {
  return plan.args.some((arg) => arg.name === path[0]) ? placeInRequest(plan, path) : path
}

/** What a list's envelope has nothing to say of is not in it. */
function leaveOutNothings(envelope: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(envelope)) if (value === null) delete envelope[name]
}

function hide(answer: Record<string, unknown>, hidden: readonly string[]): Record<string, unknown> {
  if (Array.isArray(answer.nodes)) {
    return { ...answer, nodes: answer.nodes.map((node: Record<string, unknown>) => hide(node, hidden)) }
  }
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !hidden.includes(name)))
}
