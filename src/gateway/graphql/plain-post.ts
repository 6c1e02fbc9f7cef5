/** Sends the result of a POST that Yoga does not handle. */
import type { ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import type { EngineResult } from '../live/outcome.ts'
import type { HttpExtension } from './status.ts'

export const JSON_TYPES = ['application/json', 'application/graphql-response+json'] as const

export type JsonType = (typeof JSON_TYPES)[number]

export function isJsonType(type: string): type is JsonType {
  return JSON_TYPES.includes(type as JsonType)
}

/** Sends a result with the status and headers that its errors ask for. */
export function sendResult(response: ServerResponse, type: JsonType, result: EngineResult): void {
  const headers: Record<string, string | number> = { 'Content-Type': `${type}; charset=utf-8` }
  let status = 0
  for (const { extensions } of result.errors ?? []) {
    const http = extensions.http as HttpExtension | undefined
    if (!http) continue
    Object.assign(headers, http.headers)
    if (type !== 'application/json' || !http.spec) status = Math.max(status, http.status)
  }
  const text = JSON.stringify(result.errors ? { ...result, errors: result.errors.map(withoutHttp) } : result)
  headers['Content-Length'] = Buffer.byteLength(text)
  response.writeHead(status || 200, headers).end(text)
}

function withoutHttp(error: GraphQLError) {
  const { http: _, ...extensions } = error.extensions
  return { ...error.toJSON(), extensions }
}
