import { hostileText, type Random, randomBytes } from './random.ts'
import { drawValue, type Schema, type World } from './values.ts'

export interface Operation {
  method: string
  path: string
  parameters: { name: string; in: string; schema?: Schema; content?: Record<string, { schema: Schema }> }[]
  body: { schema: Schema; type: string } | undefined
  statuses: readonly string[]
}

export interface FuzzRequest {
  /** Undefined for a path or method that no operation has. */
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

/** The operations of an OpenAPI document, but its streams, which do not end. */
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

/** After these nobody is signed in any more: they come less often. */
const ENDS = /sign-out|password|^DELETE \/(users|sessions)/

function drawOperation(operations: readonly Operation[], random: Random): Operation {
  const operation = random.pick(operations)
  const ends = ENDS.test(`${operation.method} ${operation.path}`)
  return ends && random.chance(0.95) ? drawOperation(operations, random) : operation
}

/** One request: mostly one that the document allows, with something wrong somewhere; now and then anything at all. */
export function drawRequest(
  operations: readonly Operation[],
  world: World,
  tokens: readonly string[],
  random: Random,
): FuzzRequest {
  const headers: Record<string, string> = {}
  if (random.chance(0.9))
    headers.authorization = `Bearer ${random.chance(0.95) ? random.pick(tokens) : safe(hostileText(random))}`
  if (random.chance(0.05)) headers.accept = random.pick(['text/html', 'application/json', '*/*', 'x', ''])
  if (random.chance(0.05))
    headers['if-match'] = random.pick(['*', '"v1.x"', 'W/"v1.x"', '"v1.a", "v2.b"', safe(hostileText(random))])
  if (random.chance(0.05)) headers['if-none-match'] = random.pick(['*', '"x"', safe(hostileText(random))])
  if (random.chance(0.05))
    headers['idempotency-key'] = random.chance(0.7) ? String(random.below(20)) : safe(hostileText(random))
  if (random.chance(0.02)) headers.origin = 'http://elsewhere.example'
  if (random.chance(0.05)) return anything(headers, random)
  const operation = drawOperation(operations, random)
  const query = new URLSearchParams()
  let path = operation.path
  // Without a parameter it is the path of something else.
  let elsewhere = false
  for (const parameter of operation.parameters) {
    if (parameter.in === 'path') {
      const value = random.chance(0.85) ? random.pick(world.ids) : hostileText(random)
      // Dots are taken out of an address before it is sent.
      if (['', '.', '..'].includes(value)) elsewhere = true
      path = path.replace(`{${parameter.name}}`, encodeURIComponent(wellFormed(value)))
    } else if (parameter.in === 'query' && random.chance(0.15)) {
      const json = parameter.content?.['application/json']?.schema
      const value = drawValue(json ?? parameter.schema, world, random)
      for (const one of Array.isArray(value) && !json ? value : [value]) {
        query.append(parameter.name, wellFormed(json ? (JSON.stringify(one) ?? '') : String(one)))
      }
    }
  }
  if (random.chance(0.03)) query.append(wellFormed(hostileText(random)), wellFormed(hostileText(random)))
  const method = random.chance(0.98) ? operation.method : random.pick(METHODS)
  const body = operation.body && random.chance(0.97) ? drawBody(operation.body, world, random) : undefined
  if (body) headers['content-type'] = body.type
  const text = query.toString()
  return {
    operation: method === operation.method && !elsewhere ? operation : undefined,
    method,
    path: `${path}${text ? `?${text}` : ''}`,
    headers,
    body: body?.bytes,
  }
}

function drawBody({ schema, type }: NonNullable<Operation['body']>, world: World, random: Random) {
  const sent = random.chance(0.96) ? type : random.pick(TYPES)
  if (random.chance(0.03)) return { type: sent, bytes: randomBytes(random, 300) }
  const value = drawValue(schema, world, random)
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

function anything(headers: Record<string, string>, random: Random): FuzzRequest {
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

/** What a header can carry at all. */
const safe = (text: string) => text.replace(/[^\x21-\x7e]/g, '').slice(0, 500) || 'x'
