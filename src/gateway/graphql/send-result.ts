/** Sends a single result, as JSON or as an event. */
import type { ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { sendBody } from '../http/encoding.ts'
import type { HttpExchange } from '../http/exchange.ts'
import type { EngineResult } from '../live/outcome.ts'
import { SSE_HEADERS, SSE_TYPE, type SseForm } from '../live/sse.ts'
import type { HttpExtension } from './status.ts'

export const JSON_TYPES = ['application/json', 'application/graphql-response+json'] as const

export type JsonType = (typeof JSON_TYPES)[number]

export function isJsonType(type: string): type is JsonType {
  return JSON_TYPES.includes(type as JsonType)
}

/** Sends a result with the status and headers that its errors ask for. */
export function sendResult(exchange: HttpExchange, type: JsonType, result: EngineResult): Promise<void> | undefined {
  const { response } = exchange
  const { status, shown } = shownOf(response, type, result)
  response.setHeader('Content-Type', `${type}; charset=utf-8`)
  return sendBody(exchange, status, JSON.stringify(shown))
}

/** Sends a result as the only event of a stream. Its status is 200: clients read no other stream. */
export function sendEvent({ response }: HttpExchange, form: SseForm, result: EngineResult): void {
  const { shown } = shownOf(response, SSE_TYPE, result)
  for (const [name, value] of Object.entries(SSE_HEADERS)) response.setHeader(name, value)
  response.writeHead(200).end(`${form.opening}${form.render(shown)}${form.closing}`)
}

/** Returns the status of a result and what clients see of it. Sets the headers it asks for. */
function shownOf(response: ServerResponse, type: string, result: EngineResult) {
  if (!result.errors) return { status: 200, shown: result }
  let status = 0
  for (const { extensions } of result.errors) {
    const http = extensions.http as HttpExtension | undefined
    if (!http) continue
    for (const [name, value] of Object.entries(http.headers ?? {})) response.setHeader(name, value)
    if (type !== 'application/json' || !http.spec) status = Math.max(status, http.status)
  }
  const shown: EngineResult = { ...result, errors: result.errors.map(withoutHttp) as unknown as GraphQLError[] }
  return { status: status || 200, shown }
}

function withoutHttp(error: GraphQLError) {
  const { http: _, ...extensions } = error.extensions
  return { ...error.toJSON(), extensions }
}
