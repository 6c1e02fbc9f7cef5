import { type DocumentNode, type GraphQLField, type GraphQLSchema, Kind, OperationTypeNode, parseType } from 'graphql'
import { issuesOf } from '../client-error.ts'
import type { ContextFactory, GatewayContext } from '../context.ts'
import type { Engine } from '../engine.ts'
import { type Issue, validationFailed } from '../errors.ts'
import { gatewayRequest, onceOver } from '../http.ts'
import type { EngineResult } from '../live/outcome.ts'
import type { Places } from '../live/places.ts'
import { isStream } from '../live/result-stream.ts'
import { SSE_HEADERS, serveEvents } from '../live/sse.ts'
import { sendProblem } from '../problem.ts'
import type { RestStream } from '../rest-plugin.ts'
import { decodeForm } from '../utf8.ts'
import type { RouteHandler } from './handler.ts'
import { placeInRequest, planInput, readInput } from './input.ts'
import { defaultSelections } from './selection.ts'
import { restStream, resumeArgument } from './view.ts'

/** How long an `EventSource` waits before it reconnects: not all the same, or a server that starts anew has all at once. */
const RETRY_MS = { least: 1_000, most: 4_000 }

const LAST_EVENT_ID = 'last-event-id'

/** A Subscription field as REST serves it. */
export interface StreamRoute {
  path: string
  fieldName: string
  field: GraphQLField<unknown, unknown>
  rest: RestStream
  /** The argument that `Last-Event-ID` fills. */
  resume: string | undefined
}

export function streamRoutes(engine: Engine): StreamRoute[] {
  const fields = Object.values(engine.schema.getSubscriptionType()?.getFields() ?? {})
  return fields.flatMap((field) => {
    const rest = restStream(field)
    return rest ? [{ path: rest.path, fieldName: field.name, field, rest, resume: resumeArgument(field) }] : []
  })
}

/** Serves a Subscription as Server-Sent Events (WHATWG HTML 9.2), resumable by `Last-Event-ID`. */
export function createStreamHandler<Context extends GatewayContext>(
  route: StreamRoute,
  options: { engine: Engine; createContext: ContextFactory<Context>; places: Places },
): RouteHandler {
  const { engine, createContext, places } = options
  const operation = engine.prepare(streamDocument(engine.schema, route))
  if ('errors' in operation)
    throw new Error(`The stream of ${route.fieldName} is not valid: ${operation.errors[0]?.message}`)
  const plan = planInput({ args: route.field.args, pathParameters: [], fills: {}, rest: {}, kind: 'subscription' })

  const render = (result: EngineResult) => eventText(result, route)

  return async function handle(exchange) {
    const { request, response, requestId } = exchange
    const issues: Issue[] = []
    const query = decodeForm(exchange.query, 'The query string')
    const ticket = query.get('ticket')
    query.delete('ticket')
    const { variables } = readInput(plan, { params: {}, query, body: undefined, headers: request.headers }, issues)
    if (issues.length > 0) throw validationFailed(issues)
    const last = request.headers[LAST_EVENT_ID]
    // An EventSource reconnects to the address it began with: what it saw last is newer than the address says.
    const resumes = route.resume !== undefined && typeof last === 'string' && last !== ''
    if (resumes) variables[route.resume as string] = last
    const context = await createContext({ ...gatewayRequest(exchange, 'stream'), ...(ticket !== null && { ticket }) })
    onceOver(response, places.take(context.principal))
    const stream = await engine.open(operation, variables, context)
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
    await serveEvents(exchange, stream, { opening: opening(stream.cursor), render, closing: '' })
  }
}

/** Whoever is cut off before the first event resumes from where it would have begun. */
function opening(cursor: string | undefined): string {
  const retry = Math.round(RETRY_MS.least + Math.random() * (RETRY_MS.most - RETRY_MS.least))
  return `retry: ${retry}\n${cursor === undefined ? '' : `id: ${cursor}\n`}\n`
}

function eventText(result: EngineResult, { fieldName, rest }: StreamRoute): string {
  const error = result.errors?.[0]
  const value = result.data?.[fieldName] as Record<string, unknown> | null | undefined
  if (error || !value) {
    const { code, requestId } = error?.extensions ?? {}
    const issues = error ? issuesOf(error) : []
    const data = { code, detail: error?.message, requestId, ...(issues.length > 0 && { errors: issues }) }
    return `event: error\ndata: ${JSON.stringify(data)}\n\n`
  }
  return `id: ${value[rest.id]}\nevent: ${value[rest.event]}\ndata: ${JSON.stringify(value)}\n\n`
}

/** The subscription that a stream runs. */
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
