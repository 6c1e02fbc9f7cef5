import { AppError } from '../errors.ts'
import { decodeForm } from '../http/utf8.ts'
import { kindOf } from '../variables.ts'

/** The parameters of a GraphQL request that are used here. */
export interface Params {
  /** Absent if the request names its document by `hash`. */
  query?: string
  /** SHA-256 of the document, in hex. */
  hash?: string
  variables?: Record<string, unknown>
  operationName?: string
}

const KNOWN = new Set(['query', 'variables', 'operationName', 'extensions', 'documentId'])

/**
 * Reads the parameters from the body of a POST. Throws BAD_REQUEST if they are not those of GraphQL
 * over HTTP.
 */
export function readParams(body: unknown): Params {
  if (!isObject(body)) throw refuse(`The body must be one JSON object, not ${kindOf(body)}.`)
  const unknown = Object.keys(body).find((name) => !KNOWN.has(name) && body[name] != null)
  if (unknown !== undefined) throw refuse(`${JSON.stringify(unknown)} is not a parameter of a GraphQL request.`)
  const { query, variables, operationName } = body
  const hash = readHash(body)
  if (query == null ? hash === undefined : typeof query !== 'string')
    throw refuse(`query must be a string, not ${kindOf(query)}.`)
  if (variables != null && !isObject(variables)) throw refuse(`variables must be an object, not ${kindOf(variables)}.`)
  if (operationName != null && typeof operationName !== 'string')
    throw refuse(`operationName must be a string, not ${kindOf(operationName)}.`)
  const params: Params = {}
  if (typeof query === 'string') params.query = query
  if (hash !== undefined) params.hash = hash
  if (variables != null) params.variables = variables
  if (operationName) params.operationName = operationName
  return params
}

/**
 * Reads the parameters from the query string of a GET. Those that are not of GraphQL are ignored:
 * analytics and caches add their own.
 */
export function readQuery(query: string): Params {
  const form = decodeForm(query, 'The query string')
  return readParams({
    query: form.get('query'),
    operationName: form.get('operationName'),
    variables: jsonOf(form, 'variables'),
    extensions: jsonOf(form, 'extensions'),
    documentId: form.get('documentId'),
  })
}

function jsonOf(form: URLSearchParams, name: string): unknown {
  const text = form.get(name)
  // An empty parameter counts as absent, as in forms.
  if (!text) return null
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refuse(`${name} is not valid JSON: ${(error as SyntaxError).message}.`)
  }
}

/** Prefix of a `documentId` that is a SHA-256. */
const SHA256 = 'sha256:'

/**
 * Reads the hash of a persisted document: `extensions.persistedQuery` as Apollo's clients send it,
 * or `documentId` of GraphQL over HTTP. Throws BAD_REQUEST if it is malformed.
 */
export function readHash({
  extensions,
  documentId,
}: {
  extensions?: unknown
  documentId?: unknown
}): string | undefined {
  if (extensions != null && !isObject(extensions))
    throw refuse(`extensions must be an object, not ${kindOf(extensions)}.`)
  const persisted = extensions?.persistedQuery
  if (persisted == null && documentId == null) return undefined
  if (documentId != null) {
    if (typeof documentId !== 'string') throw refuse(`documentId must be a string, not ${kindOf(documentId)}.`)
    return checkHash(documentId.startsWith(SHA256) ? documentId.slice(SHA256.length) : documentId, 'documentId')
  }
  if (!isObject(persisted) || persisted.version !== 1)
    throw refuse('extensions.persistedQuery must be an object with version 1 and sha256Hash.')
  return checkHash(persisted.sha256Hash, 'extensions.persistedQuery.sha256Hash')
}

function checkHash(hash: unknown, where: string): string {
  if (typeof hash === 'string' && /^[\da-f]{64}$/i.test(hash)) return hash.toLowerCase()
  throw refuse(`${where} must be a SHA-256 in hex.`)
}

const refuse = (message: string) => new AppError('BAD_REQUEST', message)

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
