import type { Random } from '../../support/random.ts'
import { hostileText, randomBytes } from './hostile.ts'
import { drawValue, type KnownValues, type Schema } from './values.ts'

export interface Operation {
  method: string
  path: string
  parameters: { name: string; in: string; schema?: Schema; content?: Record<string, { schema: Schema }> }[]
  body: { schema: Schema; type: string } | undefined
  statuses: readonly string[]
}

export interface FuzzRequest {
  /** Undefined if no operation has this path and method. */
  operation: Operation | undefined
  method: string
  path: string
  headers: Record<string, string>
  body: Buffer | undefined
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']
const TYPES = [
  'application/json',
  'application/merge-patch+json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'x/y',
  '',
]

/** Returns the operations of an OpenAPI document. Leaves out streams, which do not end. */
export function operationsOf(document: { paths: Record<string, Record<string, Schema>> }): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]): Operation[] => {
      const responses = operation.responses as Record<string, { content?: object }>
      if ('text/event-stream' in (responses[200]?.content ?? {})) return []
      const content = (operation.requestBody as { content?: Record<string, { schema: Schema }> } | undefined)?.content
      const [type, media] = Object.entries(content ?? {})[0] ?? []
      return [
        {
          method: method.toUpperCase(),
          path,
          parameters: (operation.parameters ?? []) as Operation['parameters'],
          body: type && media ? { type, schema: media.schema } : undefined,
          statuses: Object.keys(responses),
        },
      ]
    }),
  )
}

/** Operations that sign the caller out. They are drawn less often. */
const SIGNS_OUT = /sign-out|password|^DELETE \/(users|sessions)/

function drawOperation(operations: readonly Operation[], random: Random): Operation {
  const operation = random.pick(operations)
  const signsOut = SIGNS_OUT.test(`${operation.method} ${operation.path}`)
  return signsOut && random.chance(0.95) ? drawOperation(operations, random) : operation
}

/**
 * Draws a request: usually one that the document allows, sometimes with a fault,
 * rarely complete nonsense.
 */
export function drawRequest(
  operations: readonly Operation[],
  known: KnownValues,
  tokens: readonly string[],
  random: Random,
): FuzzRequest {
  const headers: Record<string, string> = {}
  if (random.chance(0.9))
    headers.authorization = `Bearer ${random.chance(0.95) ? random.pick(tokens) : headerSafe(hostileText(random))}`
  if (random.chance(0.05)) headers.accept = random.pick(['text/html', 'application/json', '*/*', 'x', ''])
  if (random.chance(0.05))
    headers['if-match'] = random.pick(['*', '"v1.x"', 'W/"v1.x"', '"v1.a", "v2.b"', headerSafe(hostileText(random))])
  if (random.chance(0.05)) headers['if-none-match'] = random.pick(['*', '"x"', headerSafe(hostileText(random))])
  if (random.chance(0.05))
    headers['idempotency-key'] = random.chance(0.7) ? String(random.below(20)) : headerSafe(hostileText(random))
  if (random.chance(0.02)) headers.origin = 'http://elsewhere.example'
  if (random.chance(0.05)) return drawNonsense(headers, random)
  const operation = drawOperation(operations, random)
  const query = new URLSearchParams()
  let path = operation.path
  // An empty path parameter turns the path into that of another operation.
  let otherPath = false
  for (const parameter of operation.parameters) {
    if (parameter.in === 'path') {
      const value = random.chance(0.85) ? random.pick(known.ids) : hostileText(random)
      // URL normalisation removes dot segments.
      if (['', '.', '..'].includes(value)) otherPath = true
      path = path.replace(`{${parameter.name}}`, encodeURIComponent(wellFormed(value)))
    } else if (parameter.in === 'query' && random.chance(0.15)) {
      const json = parameter.content?.['application/json']?.schema
      const value = drawValue(json ?? parameter.schema, known, random)
      for (const one of Array.isArray(value) && !json ? value : [value]) {
        query.append(parameter.name, wellFormed(json ? (JSON.stringify(one) ?? '') : String(one)))
      }
    }
  }
  if (random.chance(0.03)) query.append(wellFormed(hostileText(random)), wellFormed(hostileText(random)))
  const method = random.chance(0.98) ? operation.method : random.pick(METHODS)
  const body = operation.body && random.chance(0.97) ? drawBody(operation.body, known, random) : undefined
  if (body) headers['content-type'] = body.type
  const text = query.toString()
  return {
    operation: method === operation.method && !otherPath ? operation : undefined,
    method,
    path: `${path}${text ? `?${text}` : ''}`,
    headers,
    body: body?.bytes,
  }
}

function drawBody({ schema, type }: NonNullable<Operation['body']>, known: KnownValues, random: Random) {
  const sent = random.chance(0.96) ? type : random.pick(TYPES)
  if (random.chance(0.03)) return { type: sent, bytes: randomBytes(random, 300) }
  const value = drawValue(schema, known, random)
  if (type === 'application/x-www-form-urlencoded') {
    const fields = typeof value === 'object' && value !== null ? Object.entries(value) : []
    return {
      type: sent,
      bytes: Buffer.from(
        new URLSearchParams(fields.map(([a, b]) => [wellFormed(a), wellFormed(String(b))])).toString(),
      ),
    }
  }
  const text = JSON.stringify(value) ?? 'null'
  return { type: sent, bytes: Buffer.from(random.chance(0.98) ? text : text.slice(0, random.below(text.length))) }
}

function drawNonsense(headers: Record<string, string>, random: Random): FuzzRequest {
  const path = `/${encodeURI(wellFormed(hostileText(random))).slice(0, 2_000)}`
  const method = random.pick(METHODS)
  const body = method === 'GET' || method === 'HEAD' ? undefined : randomBytes(random, 200)
  return {
    operation: undefined,
    method,
    path,
    headers: { ...headers, ...(body && { 'content-type': random.pick(TYPES) }) },
    body,
  }
}

const wellFormed = (text: string) => text.toWellFormed()

/** Removes what an HTTP client refuses to send in a header. */
const headerSafe = (text: string) => text.replace(/[^\x21-\x7e]/g, '').slice(0, 500) || 'x'
