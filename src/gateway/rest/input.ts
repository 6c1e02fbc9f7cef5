import type { IncomingHttpHeaders } from 'node:http'
import type { GraphQLArgument } from 'graphql'
import type { Issue } from '../errors.ts'
import { NO_VERSION, versionOfTags } from '../http/conditional.ts'
import { mediaTypeOf, notJson } from '../http/content-type.ts'
import { decodeJson } from '../http/utf8.ts'
import { coerceValue, kindOf } from '../variables.ts'
import { type QueryParameter, queryParameters, readParameter } from './query-parameters.ts'
import type { Route } from './routes.ts'

/** The argument that `If-Match` fills. */
const VERSION_ARGUMENT = 'expectedVersion'
/** Query parameters of every route that answers with a body. */
const REPRESENTATION = ['fields', 'include'] as const
export const DEFAULT_LIMIT = 20

/** How the parts of a request fill the arguments of an operation. Computed once per route. */
export interface InputPlan {
  args: readonly GraphQLArgument[]
  pathParameters: readonly string[]
  fills: Route['fills']
  /** The argument that is the body. */
  body: string | undefined
  /** The arguments that are fields of the body. */
  bodyFields: readonly string[]
  /** The argument that is the body as a stream. */
  upload: string | undefined
  query: ReadonlyMap<string, QueryParameter>
  readsVersion: boolean
  /** True if the operation only reads. `If-Match` then has nothing to prevent. */
  isRead: boolean
  paged: boolean
}

export interface RequestParts {
  params: Readonly<Record<string, string | undefined>>
  query: URLSearchParams
  /** The parsed JSON body; undefined if there is none. */
  body: unknown
  headers: IncomingHttpHeaders
}

export interface RequestInput {
  variables: Record<string, unknown>
  fields: string[]
  include: string[]
}

export function planInput({
  args,
  pathParameters,
  fills,
  rest,
  kind,
}: Pick<Route, 'args' | 'pathParameters' | 'fills' | 'rest'> & {
  kind: 'query' | 'mutation' | 'subscription'
}): InputPlan {
  const elsewhere = new Set([
    ...pathParameters,
    ...[rest.body ?? []].flat(),
    rest.upload?.argument ?? '',
    VERSION_ARGUMENT,
  ])
  const filled = new Set(Object.values(fills).map((place) => place.join('.')))
  const parameters = queryParameters(args.filter((arg) => !elsewhere.has(arg.name))).filter(
    ({ target }) => !filled.has(target.join('.')),
  )
  return {
    args,
    pathParameters,
    fills,
    body: typeof rest.body === 'string' ? rest.body : undefined,
    bodyFields: Array.isArray(rest.body) ? rest.body : [],
    upload: rest.upload?.argument,
    query: new Map(parameters.map((parameter) => [parameter.name, parameter])),
    readsVersion: args.some((arg) => arg.name === VERSION_ARGUMENT),
    isRead: kind !== 'mutation',
    paged: args.some((arg) => arg.name === 'first'),
  }
}

/**
 * Reads an operation's variables from the parts of a request, as JSON values that are not coerced
 * yet. Adds every problem with the structure of the request to `issues`.
 */
export function readInput(plan: InputPlan, parts: RequestParts, issues: Issue[]): RequestInput {
  const variables: Record<string, unknown> = {
    ...Object.fromEntries(
      plan.pathParameters.flatMap((name) => (plan.fills[name] ? [] : [[name, parts.params[name]]])),
    ),
  }
  const representation = readQuery(plan, parts.query, variables, issues)
  if (plan.paged) turnPage(variables)
  readVersion(plan, parts.headers, variables, issues)
  readBody(plan, parts.body, variables, issues)
  for (const [name, place] of Object.entries(plan.fills)) fill(plan, variables, place, parts.params[name], issues)
  return { variables, ...representation }
}

/**
 * Rejects `If-Match` and `If-None-Match` where they have no effect. Ignoring them would let through
 * the change they should prevent.
 */
function readVersion(
  plan: InputPlan,
  { 'if-match': match, 'if-none-match': noneMatch }: IncomingHttpHeaders,
  variables: Record<string, unknown>,
  issues: Issue[],
): void {
  if (plan.isRead) return
  if (match !== undefined) {
    if (plan.readsVersion) variables[VERSION_ARGUMENT] = versionOfTags(match)
    else issues.push(unsupported('If-Match', 'this resource has no version'))
  }
  if (noneMatch !== undefined) {
    // The condition is that there is nothing: whatever version there is fails it.
    if (plan.readsVersion && noneMatch.trim() === '*') variables[VERSION_ARGUMENT] = NO_VERSION
    else issues.push(unsupported('If-None-Match', plan.readsVersion ? 'use If-Match' : 'this resource has no version'))
  }
}

function unsupported(header: string, reason: string): Issue {
  return { path: ['header', header], code: 'unsupported', message: `is not supported here: ${reason}` }
}

function readQuery(plan: InputPlan, query: URLSearchParams, variables: Record<string, unknown>, issues: Issue[]) {
  const lists = { fields: [] as string[], include: [] as string[] }
  const whole = readWhole(plan, query, variables, issues)
  for (const name of new Set(query.keys())) {
    if (whole.has(name)) continue
    const values = query.getAll(name)
    const parameter = plan.query.get(name)
    const list = REPRESENTATION.find((one) => one === name)
    if (parameter) {
      const [argument = '', field = ''] = parameter.target
      if (whole.get(argument)?.has(field)) {
        issues.push({
          path: ['query', name],
          code: 'repeated',
          message: `is also set in the parameter ${argument}: send it once`,
        })
        continue
      }
      const value = readParameter(parameter, values, issues)
      if (value !== undefined) assign(variables, parameter.target, value)
    } else if (list) {
      lists[list] = [...new Set(values.flatMap((value) => value.split(',')).map((value) => value.trim()))]
    } else {
      issues.push({ path: ['query', name], code: 'unknown_parameter', message: 'is not a known parameter' })
    }
  }
  return lists
}

/**
 * Reads the parameters that are whole inputs as JSON. Returns the fields of each; other parameters
 * may add more.
 */
function readWhole(
  plan: InputPlan,
  query: URLSearchParams,
  variables: Record<string, unknown>,
  issues: Issue[],
): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const parameter of plan.query.values()) {
    if (parameter.form !== 'json' || !query.has(parameter.name)) continue
    const value = readParameter(parameter, query.getAll(parameter.name), issues)
    found.set(parameter.name, new Set(isObject(value) ? Object.keys(value) : []))
    if (value !== undefined) assign(variables, parameter.target, value)
  }
  return found
}

/** A page before a cursor is counted from its end: `limit` becomes `last` instead of `first`. */
function turnPage(variables: Record<string, unknown>): void {
  const limit = variables.first ?? DEFAULT_LIMIT
  const backwards = variables.before !== undefined && variables.after === undefined
  if (!backwards) {
    variables.first = limit
    return
  }
  delete variables.first
  variables.last = limit
}

/** Fills an argument from the path. The input must not contradict it. */
function fill(
  plan: InputPlan,
  variables: Record<string, unknown>,
  place: readonly string[],
  value: string | undefined,
  issues: Issue[],
): void {
  let given: unknown = variables
  for (const step of place) given = isObject(given) ? given[step] : undefined
  if (given !== undefined && given !== value) {
    const path = placeInRequest({ ...plan, fills: {} }, [...place])
    issues.push({ path, code: 'contradiction', message: 'contradicts the path: leave it out' })
    return
  }
  const [head = ''] = place
  // Copy, so that the client's value is not mutated.
  if (isObject(variables[head])) variables[head] = { ...variables[head] }
  assign(variables, place, value)
}

function readBody(plan: InputPlan, body: unknown, variables: Record<string, unknown>, issues: Issue[]): void {
  if (plan.body === undefined) {
    if (body !== undefined && !isObject(body)) issues.push(notAnObject(body))
    for (const [name, value] of Object.entries(isObject(body) ? body : {})) {
      if (plan.bodyFields.includes(name)) variables[name] = value
      else issues.push({ path: ['body', name], code: 'unknown_field', message: 'is not a known field' })
    }
  } else if (body === undefined) {
    issues.push({ path: ['body'], code: 'required', message: 'is required: send a JSON object' })
  } else if (isObject(body)) {
    variables[plan.body] = body
  } else {
    issues.push(notAnObject(body))
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notAnObject(body: unknown): Issue {
  return { path: ['body'], code: 'invalid_type', message: `must be a JSON object, not ${kindOf(body)}` }
}

/**
 * Returns an issue for each value that cannot be coerced to its argument's type. Only for a request
 * that is refused anyway, to report all of its problems at once: otherwise the engine coerces.
 */
export function coercionIssues(plan: InputPlan, variables: Readonly<Record<string, unknown>>): Issue[] {
  return plan.args.flatMap((arg) => {
    if (
      variables[arg.name] === undefined &&
      (arg.defaultValue !== undefined || [plan.body, plan.upload].includes(arg.name))
    )
      return []
    const found: Issue[] = []
    coerceValue(variables[arg.name], arg.type, [arg.name], found)
    return found.map((issue) => ({ ...issue, path: placeInRequest(plan, issue.path) }))
  })
}

/**
 * Maps the path of an issue from the operation to the request:
 * `["input","title"]` becomes `["body","title"]`.
 */
export function placeInRequest(plan: InputPlan, path: Issue['path']): Issue['path'] {
  const [first, ...rest] = path
  if (first === undefined) return path
  const filling = Object.entries(plan.fills).find(([, place]) => place.every((step, index) => path[index] === step))
  if (filling) return ['path', filling[0]]
  if (first === plan.body || first === plan.upload) return ['body', ...rest]
  if (typeof first === 'string' && plan.bodyFields.includes(first)) return ['body', ...path]
  if (first === VERSION_ARGUMENT) return ['header', 'If-Match']
  if (typeof first === 'string' && plan.pathParameters.includes(first)) return ['path', first]
  if (plan.paged && (first === 'first' || first === 'last')) return ['query', 'limit']
  const names = path.filter((step) => typeof step === 'string')
  const parameter = [...plan.query.values()].find(({ target }) => target.every((step, index) => names[index] === step))
  if (!parameter) return ['query', names.join('.')]
  const within = parameter.form === 'json' ? path.slice(parameter.target.length) : []
  return ['query', parameter.name, ...within]
}

function assign(variables: Record<string, unknown>, target: readonly string[], value: unknown): void {
  const [head, ...rest] = target
  if (head === undefined) return
  if (rest.length === 0) {
    // `priority=1&priority.in=2` are two spellings of one list.
    const before = variables[head]
    variables[head] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value
    return
  }
  if (!isObject(variables[head])) variables[head] = {}
  assign(variables[head] as Record<string, unknown>, rest, value)
}

/** Parses a JSON body. Returns undefined if it is empty. */
export function parseJson(body: Buffer, contentType: string | undefined): unknown {
  if (body.length === 0) return undefined
  const type = mediaTypeOf(contentType)
  if (type !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(type)) throw notJson(type)
  return decodeJson(body)
}
