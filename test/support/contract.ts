import type { OutgoingHttpHeaders } from 'node:http'
import { MAX_PATH_PARAMETER } from '../../src/gateway/openapi/parameters.ts'
import { problemsOf, refered, type Schema } from './json-schema.ts'
import { type DescribedOperation, type Document, operationsOf, type Response } from './openapi-document.ts'

/** A request and the response of a server. */
export interface Exchange {
  method: string
  /** With its query string, as sent. */
  url: string
  /** True for a CORS preflight request. */
  isPreflight: boolean
  status: number
  /** Names in lower case. */
  headers: OutgoingHttpHeaders
  body: string
}

/** Checks responses against an OpenAPI document. Ignores requests outside its base path. */
export interface Contract {
  violations(exchange: Exchange): string[]
  /** Checks one event of a stream, passed without the trailing blank line. */
  eventViolations(url: string, event: string): string[]
}

/** Paths served but not described: the index and the document itself. */
const UNDESCRIBED = ['/', '/openapi.json']
const PROBLEM = 'application/problem+json'
const STREAM = 'text/event-stream'

export function contractOf(document: Document): Contract {
  const basePath = document.servers[0]?.url ?? ''
  // Paths with fewer parameters match first: /things/new before /things/{id}.
  const places = ({ path }: DescribedOperation) => path.split('{').length
  const operations = operationsOf(document)
    .sort((one, other) => places(one) - places(other))
    .map((operation) => ({ ...operation, matches: matcherOf(operation) }))

  /** Returns the path relative to the base path; undefined outside it. */
  function pathOf(url: string): string | undefined {
    const [path = ''] = url.split(/[?#]/)
    if (path !== basePath && !path.startsWith(`${basePath}/`)) return undefined
    return path.slice(basePath.length).replace(/\/$/, '') || '/'
  }

  const find = (method: string, path: string) =>
    operations.find((one) => one.method === (method === 'HEAD' ? 'GET' : method) && one.matches(path))

  function violations(exchange: Exchange): string[] {
    const path = pathOf(exchange.url)
    if (path === undefined || (exchange.isPreflight && exchange.method === 'OPTIONS')) return []
    if (isRefusedEarly(exchange)) return ofProblem(exchange, document)
    const operation = find(exchange.method, path)
    if (operation) return ofOperation(exchange, operation, document)
    const methods = operations.filter((one) => one.matches(path)).map(({ method }) => method)
    return UNDESCRIBED.includes(path) ? [] : ofNoOperation(exchange, methods, document)
  }

  function eventViolations(url: string, event: string): string[] {
    const operation = find('GET', pathOf(url) ?? '')
    const schema = operation?.operation.responses[200]?.content?.[STREAM]?.schema
    const data = /^data: (.*)$/m.exec(event)?.[1]
    if (!schema || data === undefined || /^event: error$/m.test(event)) return []
    return problemsOf(JSON.parse(data), selects(url) ? narrow(schema, document) : schema, document)
  }

  return { violations, eventViolations }
}

function matcherOf({ path }: DescribedOperation): (path: string) => boolean {
  const steps = path.split('/')
  return (target) => {
    const taken = target.split('/').map(decoded)
    return taken.length === steps.length && steps.every((step, index) => takes(step, taken[index]))
  }
}

/** Matches a step of a described path with a decoded one; undefined could not be decoded. */
function takes(step: string, taken: string | undefined): boolean {
  if (taken === undefined) return false
  return step.startsWith('{') ? taken.length > 0 && taken.length <= MAX_PATH_PARAMETER : step === taken
}

function decoded(step: string): string | undefined {
  try {
    return decodeURIComponent(step)
  } catch {
    return undefined
  }
}

function ofOperation(exchange: Exchange, { operation }: DescribedOperation, document: Document): string[] {
  const { status, headers } = exchange
  const listed = operation.responses[status]
  if (!listed) return [`${status} is not listed`]
  const response = (listed.$ref ? refered(document, listed.$ref) : listed) as Response
  return [...ofHeaders(headers, response.headers ?? {}, document), ...ofContent(exchange, response, document)]
}

/** Checks a response outside all operations: 404, 405 or 204 with Allow, or 400 if malformed. */
function ofNoOperation(exchange: Exchange, methods: readonly string[], document: Document): string[] {
  const { method, status, headers, body } = exchange
  const expected = methods.length === 0 ? 404 : method === 'OPTIONS' ? 204 : 405
  if (status !== expected && status !== 400) return [`${status}, where nothing is described: expected ${expected}`]
  const allowed = String(headers.allow ?? '').split(', ')
  const missing = status === 400 ? [] : methods.filter((one) => !allowed.includes(one))
  if (missing.length > 0) return [`Allow: ${headers.allow} leaves out ${missing.join(', ')}`]
  if (status === 204) return body === '' ? [] : ['204 has a body']
  return ofProblem(exchange, document)
}

/** Returns true if a request was refused for its host, framing or expectation, whatever its path. */
function isRefusedEarly({ status, body }: Exchange): boolean {
  return status === 417 || status === 501 || (status === 403 && body.includes('ALLOWED_HOSTS'))
}

function ofProblem(exchange: Exchange, document: Document): string[] {
  return ofContent(exchange, { content: { [PROBLEM]: { schema: problemSchema(document) } } }, document)
}

const problemSchema = (document: Document) => refered(document, '#/components/schemas/Problem')

function ofHeaders(sent: OutgoingHttpHeaders, described: Record<string, Schema>, document: Document): string[] {
  const names = Object.keys(described).map((name) => name.toLowerCase())
  const untold = Object.keys(document.components.headers).filter(
    (name) => sent[name.toLowerCase()] !== undefined && !names.includes(name.toLowerCase()),
  )
  return [
    ...untold.map((name) => `the header ${name} is sent, and not described`),
    ...Object.entries(described).flatMap(([name, header]) => {
      const { schema, required } = (header.$ref ? refered(document, String(header.$ref)) : header) as {
        schema: Schema
        required?: boolean
      }
      const value = sent[name.toLowerCase()]
      if (value === undefined) return required ? [`the header ${name} is missing`] : []
      const text = String(value)
      const problems = problemsOf(schema.type === 'integer' ? Number(text) : text, schema, document)
      return problems.map((problem) => `the header ${name}: ${text}: ${problem}`)
    }),
  ]
}

function ofContent({ method, url, status, headers, body }: Exchange, response: Response, document: Document): string[] {
  const type = String(headers['content-type'] ?? '').split(';')[0] ?? ''
  if (!response.content) return body === '' && type === '' ? [] : [`${status} has a body: ${type} ${body}`]
  const media = response.content[type]
  if (!media) return [`the type ${type || 'of nothing'} is none of ${Object.keys(response.content).join(', ')}`]
  // Node sends no body after HEAD. Streams are checked event by event.
  if (method === 'HEAD' || type === STREAM) return []
  // The bytes of a file have no schema that could be checked.
  if (media.schema.format === 'binary') return []
  const value: unknown = JSON.parse(body)
  return [
    ...problemsOf(value, selects(url) && type !== PROBLEM ? narrow(media.schema, document) : media.schema, document),
    ...(type === PROBLEM && (value as { status: unknown }).status !== status ? [`$/status: is not ${status}`] : []),
  ]
}

const selects = (url: string) => new URLSearchParams(url.split('?')[1]).has('fields')

const narrowed = new WeakMap<Schema, Schema>()

/** Drops `required` from an object or the items of a page, for `fields` (docs/decisions/0001). */
function narrow(schema: Schema, document: Document): Schema {
  const known = narrowed.get(schema)
  if (known) return known
  const whole = schema.$ref ? refered(document, String(schema.$ref)) : schema
  const { nodes, ...others } = (whole.properties ?? {}) as Record<string, Schema>
  const { required: _, ...thing } = whole
  const page = () => ({ ...nodes, items: narrow(nodes?.items as Schema, document) })
  const found = nodes ? { ...whole, properties: { ...others, nodes: page() } } : thing
  narrowed.set(schema, found)
  return found
}
