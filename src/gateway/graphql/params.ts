import { AppError } from '../errors.ts'
import { kindOf } from '../variables.ts'

/** The parameters of a GraphQL request that are used here. */
export interface Params {
  query: string
  variables?: Record<string, unknown>
  operationName?: string
}

const KNOWN = new Set(['query', 'variables', 'operationName', 'extensions'])

/**
 * Reads the parameters from the body of a POST. Throws BAD_REQUEST if they are not those of GraphQL
 * over HTTP. Websockets need no such check: graphql-ws closes one that sends anything else.
 */
export function readParams(body: unknown): Params {
  if (!isObject(body)) throw refuse(`The body must be one JSON object, not ${kindOf(body)}.`)
  const unknown = Object.keys(body).find((name) => !KNOWN.has(name) && body[name] != null)
  if (unknown !== undefined) throw refuse(`${JSON.stringify(unknown)} is not a parameter of a GraphQL request.`)
  const { query, variables, extensions, operationName } = body
  if (typeof query !== 'string') throw refuse(`query must be a string, not ${kindOf(query)}.`)
  if (variables != null && !isObject(variables)) throw refuse(`variables must be an object, not ${kindOf(variables)}.`)
  if (extensions != null && !isObject(extensions))
    throw refuse(`extensions must be an object, not ${kindOf(extensions)}.`)
  if (operationName != null && typeof operationName !== 'string')
    throw refuse(`operationName must be a string, not ${kindOf(operationName)}.`)
  return { query, ...(variables != null && { variables }), ...(operationName != null && { operationName }) }
}

const refuse = (message: string) => new AppError('BAD_REQUEST', message)

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
