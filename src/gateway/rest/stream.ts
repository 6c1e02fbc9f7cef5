import { type DocumentNode, type GraphQLField, type GraphQLSchema, Kind, OperationTypeNode, parseType } from 'graphql'
import { LRUCache } from 'lru-cache'
import { issuesOf } from '../client-error.ts'
import type { Engine } from '../engine.ts'
import { type Issue, validationFailed } from '../errors.ts'
import type { ContextFactory, GatewayContext } from '../gateway-context.ts'
import { gatewayRequest, onceOver } from '../http/exchange.ts'
import { sendProblem } from '../http/problem.ts'
import { decodeForm } from '../http/utf8.ts'
import type { ConnectionLimit } from '../limits/connection-limit.ts'
import type { EngineResult, Render } from '../live/outcome.ts'
import { isStream } from '../live/result-stream.ts'
import { SSE_HEADERS, serveEvents } from '../live/sse.ts'
import type { RestStream } from '../operation.ts'
import { restStream, resumeArgument } from '../operation.ts'
import type { PreparedOperation } from '../prepared-operation.ts'
import { requirePrincipal } from '../require-principal.ts'
import type { RouteHandler } from './handler.ts'
import { coercionIssues, placeInRequest, planInput, readInput } from './input.ts'
import { defaultSelections, hide, type Representation, selectRepresentation } from './selection.ts'

/**
 * Delay before an `EventSource` reconnects. Random, so that clients do not all return at once
 * after a restart.
 */
const RETRY_MS = { least: 1_000, most: 4_000 }

const LAST_EVENT_ID = 'last-event-id'

/** Maximum number of cached representations per stream. */
const MAX_REPRESENTATIONS = 100

/** A Subscription field served over REST. */
export interface StreamRoute {
  path: string
  fieldName: string
  field: GraphQLField<unknown, unknown>
  rest: RestStream
  /** The argument that `Last-Event-ID` fills. */
  resume: string | undefined
}

interface Prepared {
  operation: PreparedOperation
  render: Render
}

export function streamRoutes(schema: GraphQLSchema): StreamRoute[] {
  const fields = Object.values(schema.getSubscriptionType()?.getFields() ?? {})
  return fields.flatMap((field) => {
    const rest = restStream(field)
    return rest ? [{ path: rest.path, fieldName: field.name, field, rest, resume: resumeArgument(field) }] : []
  })
}

/**
 * Creates the handler of a stream: Server-Sent Events (WHATWG HTML 9.2),
 * resumable by `Last-Event-ID`.
 */
export function createStreamHandler<Context extends GatewayContext>(
  route: StreamRoute,
  options: { engine: Engine; createContext: ContextFactory<Context>; connectionLimit: ConnectionLimit },
): RouteHandler {
  const { engine, createContext, connectionLimit } = options
  const document = streamDocument(engine.schema, route)
  const always = [route.rest.id, route.rest.event]
  const prepared = new LRUCache<string, Prepared>({ max: MAX_REPRESENTATIONS })
  prepare({ fields: [], include: [] }, [])
  const plan = planInput({ args: route.field.args, pathParameters: [], fills: {}, rest: {}, kind: 'subscription' })

  function prepare(representation: Representation, issues: Issue[]): Prepared | undefined {
    const key = JSON.stringify([representation.fields, representation.include])
    const cached = prepared.get(key)
    if (cached) return cached
    const before = issues.length
    const selection = selectRepresentation(engine.schema, document, representation, issues, always)
    if (issues.length > before) return undefined
    const operation = engine.prepare(selection.document)
    if ('errors' in operation)
      throw new Error(`The stream of ${route.fieldName} is not valid: ${operation.errors[0]?.message}`)
    // One function for all streams of this representation, which share what it writes.
    const entry = { operation, render: (result: EngineResult) => eventText(result, route, selection.hidden) }
    prepared.set(key, entry)
    return entry
  }

  return async function handle(exchange) {
    const { request, response, requestId } = exchange
    const ticket = new URLSearchParams(exchange.query).get('ticket')
    const context = await createContext({ ...gatewayRequest(exchange, 'stream'), ...(ticket !== null && { ticket }) })
    response.payer = context.payer
    requirePrincipal(route.field, context)
    const query = decodeForm(exchange.query, 'The query string')
    query.delete('ticket')
    const issues: Issue[] = []
    const input = readInput(plan, { params: {}, query, body: undefined, headers: request.headers }, issues)
    const { variables } = input
    const unknownNames: Issue[] = []
    const ready = prepare(input, unknownNames)
    if (!ready || issues.length > 0)
      throw validationFailed([...issues, ...coercionIssues(plan, variables), ...unknownNames])
    const last = request.headers[LAST_EVENT_ID]
    // An EventSource reconnects to its original URL: the header is newer than the query string.
    const resumes = route.resume !== undefined && typeof last === 'string' && last !== ''
    if (resumes) variables[route.resume as string] = last
    onceOver(response, connectionLimit.acquire(context.principal))
    const stream = await engine.open(ready.operation, variables, context)
    if (!isStream(stream)) {
      const error = stream.errors?.[0]
      if (!error) throw new Error(`${route.fieldName} gave neither a stream nor an error`)
      const place = (path: Issue['path']): Issue['path'] =>
        resumes && path[0] === route.resume ? ['header', 'Last-Event-ID'] : placeInRequest(plan, path)
      return sendProblem(response, requestId, error, place)
    }
    if (exchange.method === 'HEAD') {
      await stream.return()
      return void response.writeHead(200, SSE_HEADERS).end()
    }
    await serveEvents(exchange, stream, {
      opening: opening(stream.cursor),
      render: ready.render,
      closing: '',
    })
  }
}

/**
 * Returns the first lines. They contain the starting cursor for a client that disconnects before
 * the first event.
 */
function opening(cursor: string | undefined): string {
  const retry = Math.round(RETRY_MS.least + Math.random() * (RETRY_MS.most - RETRY_MS.least))
  return `retry: ${retry}\n${cursor === undefined ? '' : `id: ${cursor}\n`}\n`
}

function eventText(result: EngineResult, { fieldName, rest }: StreamRoute, hidden: readonly string[]): string {
  const error = result.errors?.[0]
  const value = result.data?.[fieldName] as Record<string, unknown> | null | undefined
  if (error || !value) {
    const { code, requestId } = error?.extensions ?? {}
    const issues = error ? issuesOf(error) : []
    const data = { code, detail: error?.message, requestId, ...(issues.length > 0 && { errors: issues }) }
    return `event: error\ndata: ${JSON.stringify(data)}\n\n`
  }
  return `id: ${value[rest.id]}\nevent: ${value[rest.event]}\ndata: ${JSON.stringify(hide(value, hidden))}\n\n`
}

/** Returns the subscription that a stream runs. */
export function streamDocument(schema: GraphQLSchema, { field, fieldName }: StreamRoute): DocumentNode {
  const type = schema.getType(String(field.type).replace(/[![\]]/g, ''))
  const variable = (name: string) => ({ kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } }) as const
  return {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        kind: Kind.OPERATION_DEFINITION,
        operation: OperationTypeNode.SUBSCRIPTION,
        variableDefinitions: field.args.map((arg) => ({
          kind: Kind.VARIABLE_DEFINITION,
          variable: variable(arg.name),
          type: parseType(String(arg.type)),
        })),
        selectionSet: {
          kind: Kind.SELECTION_SET,
          selections: [
            {
              kind: Kind.FIELD,
              name: { kind: Kind.NAME, value: fieldName },
              arguments: field.args.map((arg) => ({
                kind: Kind.ARGUMENT,
                name: { kind: Kind.NAME, value: arg.name },
                value: variable(arg.name),
              })),
              selectionSet: { kind: Kind.SELECTION_SET, selections: defaultSelections(type) },
            },
          ],
        },
      },
    ],
  }
}
