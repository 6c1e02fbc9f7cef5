/** Reads the parameters of a GraphQL request from JSON, and sends its result as JSON. */
import type { ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { AppError } from '../errors.ts'
import type { EngineResult } from '../live/outcome.ts'
import { kindOf } from '../variables.ts'

export const JSON_TYPES = ['application/json', 'application/graphql-response+json'] as const

export type JsonType = (typeof JSON_TYPES)[number]

export function isJsonType(type: string): type is JsonType {
  return JSON_TYPES.includes(type as JsonType)
}

/** What an error says about the answer as a whole. In `error.extensions.http`. */
export interface HttpExtension {
  status: number
  headers?: Record<string, string>
  /** Only if the client accepts more than `application/json`. */
  spec?: boolean
}

export interface Params {
  query: string
  variables?: Record<string, unknown>
  /** Checked when the operation is chosen. */
  operationName?: string
}

const KNOWN = new Set(['query', 'variables', 'operationName', 'extensions'])

/** Throws BAD_REQUEST if the body does not have the parameters of GraphQL over HTTP. */
export function readParams(body: unknown): Params {
  if (!isObject(body)) throw refuse(`The body must be one JSON object, not ${kindOf(body)}.`)
  const unknown = Object.keys(body).find((name) => !KNOWN.has(name) && body[name] != null)
  if (unknown !== undefined) throw refuse(`${JSON.stringify(unknown)} is not a parameter of a GraphQL request.`)
  if (typeof body.query !== 'string') throw refuse(`query must be a string, not ${kindOf(body.query)}.`)
  for (const name of ['variables', 'extensions']) {
    const value = body[name]
    if (value != null && !isObject(value)) throw refuse(`${name} must be an object, not ${kindOf(value)}.`)
  }
  return body as unknown as Params
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

const refuse = (message: string) => new AppError('BAD_REQUEST', message)

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
