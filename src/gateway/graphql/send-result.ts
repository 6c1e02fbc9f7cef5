/** Sends a result as JSON. */
import type { GraphQLError } from 'graphql'
import { sendBody } from '../http/encoding.ts'
import type { HttpExchange } from '../http/exchange.ts'
import type { EngineResult } from '../live/outcome.ts'
import type { HttpExtension } from './status.ts'

export const JSON_TYPES = ['application/json', 'application/graphql-response+json'] as const

export type JsonType = (typeof JSON_TYPES)[number]

export function isJsonType(type: string): type is JsonType {
  return JSON_TYPES.includes(type as JsonType)
}

/** Sends a result with the status and headers that its errors ask for. */
export function sendResult(exchange: HttpExchange, type: JsonType, result: EngineResult): Promise<void> | undefined {
  const { response } = exchange
  let status = 0
  for (const { extensions } of result.errors ?? []) {
    const http = extensions.http as HttpExtension | undefined
    if (!http) continue
    for (const [name, value] of Object.entries(http.headers ?? {})) response.setHeader(name, value)
    if (type !== 'application/json' || !http.spec) status = Math.max(status, http.status)
  }
  const text = JSON.stringify(result.errors ? { ...result, errors: result.errors.map(withoutHttp) } : result)
  response.setHeader('Content-Type', `${type}; charset=utf-8`)
  return sendBody(exchange, status || 200, Buffer.from(text))
}

function withoutHttp(error: GraphQLError) {
  const { http: _, ...extensions } = error.extensions
  return { ...error.toJSON(), extensions }
}
