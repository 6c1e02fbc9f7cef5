import { type DocumentNode, type GraphQLField, type GraphQLSchema, Kind, OperationTypeNode, parseType } from 'graphql'
import { issuesOf } from '../client-error.ts'
import type { ContextFactory, GatewayContext } from '../context.ts'
import type { Engine } from '../engine.ts'
import { type Issue, validationFailed } from '../errors.ts'
import { gatewayRequest, type HttpExchange } from '../http.ts'
import { sendProblem } from '../problem.ts'
import type { RestStream } from '../rest-plugin.ts'
import { type EngineResult, isStream } from '../subscription.ts'
import { parseQuery, type RouteHandler } from './handler.ts'
import { placeInRequest, planInput, readInput } from './input.ts'
import { defaultSelections } from './selection.ts'
import { restStream } from './view.ts'

/** A comment this often keeps proxies from closing a quiet stream, and finds readers that are gone. */
const HEARTBEAT_MS = 15_000
/** How long an `EventSource` waits before it reconnects. */
const RETRY_MS = 2_000

/** A Subscription field as REST serves it. */
export interface StreamRoute {
  path: string
  fieldName: string
  field: GraphQLField<unknown, unknown>
  rest: RestStream
}

export function streamRoutes(engine: Engine): StreamRoute[] {
  const fields = Object.values(engine.schema.getSubscriptionType()?.getFields() ?? {})
  return fields.flatMap((field) => {
    const rest = restStream(field)
    return rest ? [{ path: rest.path, fieldName: field.name, field, rest }] : []
  })
}

/** Serves a Subscription as Server-Sent Events (WHATWG HTML 9.2), resumable by `Last-Event-ID`. */
export function createStreamHandler<Context extends GatewayContext>(
  route: StreamRoute,
  options: { engine: Engine; createContext: ContextFactory<Context> },
): RouteHandler {
  const { engine, createContext } = options
  const operation = engine.prepare(streamDocument(engine.schema, route))
  if ('errors' in operation)
    throw new Error(`The stream of ${route.fieldName} is not valid: ${operation.errors[0]?.message}`)
  const plan = planInput({ args: route.field.args, pathParameters: [], fills: {}, rest: {}, kind: 'subscription' })

  return async function handle(exchange) {
    const { request, response, requestId } = exchange
    const issues: Issue[] = []
    const query = parseQuery(exchange.query)
    const ticket = query.get('ticket')
    query.delete('ticket')
    const { variables } = readInput(plan, { params: {}, query, body: undefined, headers: request.headers }, issues)
    if (issues.length > 0) throw validationFailed(issues)
    const last = request.headers['last-event-id']
    // An EventSource reconnects to the address it began with: what it saw last is newer than the address says.
    if (typeof last === 'string' && last !== '') variables[route.rest.resume] = last
    const context = await createContext({ ...gatewayRequest(exchange, 'stream'), ...(ticket !== null && { ticket }) })
    const result = await engine.open(operation, variables, context)
    if (!isStream(result)) {
      const error = result.errors?.[0]
      if (!error) throw new Error(`${route.fieldName} gave neither a stream nor an error`)
      return sendProblem(response, requestId, error, (path) => placeInRequest(plan, path))
    }
    if (exchange.method === 'HEAD') {
      await result.return()
      return void response.writeHead(200, STREAM_HEADERS).end()
    }
    await pump(exchange, result, route)
  }
}

const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx would gather events until its buffer is full.
  'X-Accel-Buffering': 'no',
}

async function pump({ response }: HttpExchange, events: AsyncGenerator<EngineResult, void, void>, route: StreamRoute) {
  const gone = new Promise<void>((resolve) => response.once('close', resolve))
  void gone.then(() => events.return())
  response.writeHead(200, STREAM_HEADERS)
  response.write(`retry: ${RETRY_MS}\n\n`)
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n')
  }, HEARTBEAT_MS)
  try {
    for await (const event of events) {
      // A reader that stalls holds only its own stream: the source's bounded queue fills and ends it.
      if (!response.write(eventText(event, route))) {
        await Promise.race([new Promise((resolve) => response.once('drain', resolve)), gone])
      }
    }
  } finally {
    clearInterval(heartbeat)
    response.end()
  }
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
