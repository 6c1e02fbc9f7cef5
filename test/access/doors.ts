import { type GraphQLField, type GraphQLSchema, getNamedType, Kind, print } from 'graphql'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { ERROR_CODES, isErrorCode } from '../../src/gateway/errors.ts'
import { camelCase } from '../../src/gateway/rest/query-parameters.ts'
import { deriveRoutes, type Route } from '../../src/gateway/rest/routes.ts'
import { defaultSelections } from '../../src/gateway/rest/selection.ts'
import { restView } from '../../src/gateway/rest/view.ts'
import { type GraphqlAnswer, graphql, type Issue, rest } from '../support/clients.ts'

/** Credential of a request; empty for an anonymous caller. */
export type Credential = { token?: string; apiKey?: string }
export type Variables = Record<string, unknown>

export type Protocol = 'GraphQL' | 'REST' | 'websocket'

/** Result of an operation in one shape for every door. */
export interface Answer {
  /** "OK", an error code, or a description of what is malformed in the response. */
  code: string
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
  data: any
  message?: string
  /** Invalid values with their paths in the protocol. */
  issues?: Issue[]
  /** Request and response, shown when a test fails. */
  exchange: string
}

/** Runs one operation through one door. */
export type Ask = (variables: Variables, credential: Credential) => Promise<Answer>

export interface RootField {
  /** Such as "Query.task". */
  name: string
  kind: 'query' | 'mutation' | 'subscription'
  field: GraphQLField<unknown, unknown>
}

export function rootFields(schema: GraphQLSchema): RootField[] {
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const
  return roots.flatMap(([kind, type]) =>
    Object.values(type?.getFields() ?? {}).map((field) => ({ name: `${type?.name}.${field.name}`, kind, field })),
  )
}

/** Builds the operation of a root field with a variable per argument and the REST selection. */
export function documentOf({ kind, field }: RootField, selected = shownByRest(field)): string {
  const declared = field.args.map((arg) => `$${arg.name}: ${arg.type}`).join(', ')
  const given = field.args.map((arg) => `${arg.name}: $${arg.name}`).join(', ')
  const parentheses = (text: string) => (text ? `(${text})` : '')
  return `${kind} ${parentheses(declared)} { ${field.name}${parentheses(given)} ${selected} }`
}

function shownByRest({ type }: RootField['field']): string {
  const selections = defaultSelections(getNamedType(type))
  return selections.length > 0 ? print({ kind: Kind.SELECTION_SET, selections }) : ''
}

/** A way to run an operation. */
export interface Door {
  /** Name of the protocol, or the path of a REST alias. */
  name: string
  ask: Ask
  /** Returns false if the path of a REST alias cannot express the variables. */
  takes: (variables: Variables) => boolean
}

/** Returns the doors of every query and mutation of the schema, by field name. */
export async function openDoors(server: { url: string }, schema: GraphQLSchema): Promise<Map<string, Door[]>> {
  const routes = await deriveRoutes(restView(schema))
  const doorsOf = (root: RootField): Door[] => {
    const query = documentOf(root)
    const graphqlDoor = (name: Protocol, over: typeof overGraphql): Door => ({
      name,
      ask: (variables, credential) => over(server, root, query, variables, credential),
      takes: () => true,
    })
    const restDoor = (route: Route): Door => ({
      name: isAlias(route) ? route.path : 'REST',
      ask: (variables, credential) => overRest(server, route, variables, credential),
      takes: (variables) => fits(route, variables),
    })
    return [
      graphqlDoor('GraphQL', overGraphql),
      graphqlDoor('websocket', overWebsocket),
      ...routes.filter((route) => route.fieldName === root.field.name).map(restDoor),
    ]
  }
  return new Map(rootFields(schema).map((root) => [root.name, doorsOf(root)]))
}

const isAlias = ({ operationId, fieldName }: Route) => operationId !== fieldName

/** Returns true if the variables contain every value that the path of an alias fixes. */
export function fits({ fills }: Route, variables: Variables): boolean {
  const at = (place: readonly string[]) =>
    place.reduce<unknown>((value, step) => (value as Variables | undefined)?.[step], variables)
  return Object.values(fills).every((place) => at(place) !== undefined)
}

async function overGraphql(
  server: { url: string },
  { field }: RootField,
  query: string,
  variables: Variables,
  { token, apiKey }: Credential,
): Promise<Answer> {
  const answer = await graphql(server, query, variables, { token: token ?? apiKey })
  return fromGraphql(field.name, answer, `${query} with ${JSON.stringify(variables)} answered ${answer.status}`)
}

/** Reads the first error only: an operation with one root field has at most one. */
function fromGraphql(name: string, { status, data, errors }: GraphqlAnswer, asked: string): Answer {
  const exchange = `${asked} ${JSON.stringify({ data, errors })}`
  const [error] = errors ?? []
  if (status !== 200) return { code: `status ${status}`, data: undefined, exchange }
  if (!error) return { code: 'OK', data: data?.[name], exchange }
  const { code, issues = [] } = error.extensions
  const leaked = data?.[name] != null
  return { code: leaked ? `${code} beside data` : code, data: undefined, message: error.message, issues, exchange }
}

async function overWebsocket(
  server: { url: string },
  { field }: RootField,
  query: string,
  variables: Variables,
  credential: Credential,
): Promise<Answer> {
  const socket = openSocket(server, credential)
  const asked = `over a websocket ${query} with ${JSON.stringify(variables)} answered`
  try {
    return await new Promise<Answer>((resolve) => {
      socket.subscribe(
        { query, variables },
        {
          // An operation that ends the session also closes the socket; the result arrives first.
          next: (result) =>
            resolve(fromGraphql(field.name, { ...(result as unknown as GraphqlAnswer), status: 200 }, asked)),
          error: (problem) => {
            const exchange = `${asked} ${describe(problem)}`
            resolve(refusalOf(problem, exchange) ?? { code: 'no answer', data: undefined, exchange })
          },
          complete: () => resolve({ code: 'no answer', data: undefined, exchange: `${asked} nothing` }),
        },
      )
    })
  } finally {
    await socket.dispose()
  }
}

export function openSocket({ url }: { url: string }, { token, apiKey }: Credential) {
  return createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { ...(token && { authorization: `Bearer ${token}` }), ...(apiKey && { apiKey }) },
  })
}

/** Recognises the close code by which a websocket rejects an invalid credential. */
export function refusalOf(problem: unknown, exchange: string): Answer | undefined {
  const { code, reason } = problem as { code?: unknown; reason?: string }
  return code === 4403 ? { code: 'UNAUTHENTICATED', data: undefined, message: reason ?? '', exchange } : undefined
}

/** Describes an error of a graphql-ws client: a server error or a CloseEvent. */
function describe(problem: unknown): string {
  if (problem instanceof Error) return problem.message
  const { code, reason } = problem as { code?: unknown; reason?: unknown }
  return code === undefined ? JSON.stringify(problem) : `by closing with ${code} ${reason}`
}

type Shape = Pick<Route, 'method' | 'path' | 'rest' | 'pathParameters' | 'fills'>

/** Translates GraphQL variables into a REST request. */
export function restRequest(route: Shape, variables: Variables) {
  const { expectedVersion, ...rest } = variables
  const left = structuredClone(rest)
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(takeOut(left, route.fills[name] ?? [name]))),
  )
  const inQuery = Object.entries(left).filter(([name]) => ![route.rest.body].flat().includes(name))
  const query = new URLSearchParams(inQuery.flatMap(([name, value]) => parametersOf(name, value)))
  return {
    call: `${route.method} ${path}${query.size > 0 ? `?${query}` : ''}`,
    body: bodyOf(route.rest.body, left),
    version: expectedVersion === undefined ? undefined : `"v${expectedVersion}.anything"`,
  }
}

/** Removes and returns the value at a path in the variables. */
function takeOut(variables: Variables, [head = '', ...rest]: readonly string[]): unknown {
  if (rest.length > 0) return takeOut(variables[head] as Variables, rest)
  const value = variables[head]
  delete variables[head]
  return value
}

/** Encodes an argument in the query string. A filter becomes JSON only if it is nested. */
export function parametersOf(name: string, value: unknown): [string, string][] {
  if (name === 'first' || name === 'last') return [['limit', String(value)]]
  if (name === 'orderBy')
    return (value as { field: string; direction: string }[]).map(({ field, direction }) => [
      name,
      `${camelCase(field)}:${direction.toLowerCase()}`,
    ])
  if (name !== 'filter') return repeated(name, value)
  const fields = Object.entries(value as Variables)
  if (fields.some(([key]) => ['and', 'or', 'not'].includes(key))) return [[name, JSON.stringify(value)]]
  return fields.flatMap(([key, one]) => {
    if (!isOperators(one)) return repeated(key, one)
    return Object.entries(one).flatMap(([operator, operand]) => repeated(`${key}.${operator}`, operand))
  })
}

const isOperators = (value: unknown): value is Variables =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const repeated = (name: string, value: unknown) => [value].flat().map((one): [string, string] => [name, String(one)])

function bodyOf(body: Route['rest']['body'], left: Variables): unknown {
  if (body === undefined) return undefined
  if (typeof body === 'string') return left[body]
  return Object.fromEntries(body.flatMap((name) => (left[name] === undefined ? [] : [[name, left[name]]])))
}

async function overRest(
  server: { url: string },
  route: Route,
  variables: Variables,
  { token, apiKey }: Credential,
): Promise<Answer> {
  const { call, body, version } = restRequest(route, variables)
  const headers = { ...(version && { 'if-match': version }), ...(apiKey && { 'x-api-key': apiKey }) }
  const options = { token, headers }
  const answer = await rest(server, call, { ...options, body })
  const sent = body === undefined ? '' : ` with ${JSON.stringify(body)}`
  const exchange = `${call}${sent} answered ${answer.status} ${answer.text}`
  const wrong = (what: string): Answer => ({ code: what, data: undefined, exchange })
  if (route.method === 'GET') {
    const head = await rest(server, call.replace('GET', 'HEAD'), options)
    if (head.status !== answer.status || head.text !== '') return wrong(`HEAD answers ${head.status}`)
  }
  if (answer.status < 400) {
    if (answer.status !== route.status) return wrong(`status ${answer.status}`)
    if (route.rest.download) return { code: 'OK', data: fileOf(call, answer.headers), exchange }
    return { code: 'OK', data: route.rest.key ? answer.body[route.rest.key] : answer.body, exchange }
  }
  const code: unknown = answer.body?.code
  if (!isErrorCode(code) || ERROR_CODES[code].status !== answer.status) return wrong(`status ${answer.status}`)
  if ((answer.status === 401) !== answer.headers.has('www-authenticate')) return wrong('a wrong WWW-Authenticate')
  const { detail, errors = [] } = answer.body
  return {
    code,
    data: undefined,
    message: detail,
    issues: errors.map((issue: Issue) => placed(route, issue)),
    exchange,
  }
}

/** Describes a file that REST sent, as GraphQL does. */
function fileOf(call: string, headers: Headers) {
  const [, filename] = /filename="?([^";]*)/.exec(headers.get('content-disposition') ?? '') ?? []
  const size = headers.get('content-length')
  const contentType = headers.get('content-type')
  return { url: `/api/v1${call.split(' ')[1]}`, filename, contentType, size: size === null ? null : Number(size) }
}

/** Maps a path parameter of an alias back to the argument it fills. */
function placed({ fills }: Route, issue: Issue): Issue {
  const [place, name] = issue.path
  return { ...issue, path: (place === 'path' && fills[String(name)]) || issue.path } as Issue
}
