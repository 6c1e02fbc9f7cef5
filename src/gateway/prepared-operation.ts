import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { toClientError } from './client-error.ts'
import { AppError } from './errors.ts'
import { subscriptionRule } from './live/subscription-rule.ts'
import { hasTooDeepValue, TOO_DEEP, type VariablePaths, variablePaths } from './variables.ts'

/** An operation that was parsed and validated once and can run many times. */
export interface PreparedOperation {
  document: DocumentNode
  operation: OperationDefinitionNode
  /** Where each variable is used. */
  paths: VariablePaths
}

/** A parsed document; `errors` if it is not valid against the schema. */
interface CheckedDocument {
  document: DocumentNode
  errors: readonly GraphQLError[]
  paths: VariablePaths
}

const RULES = [...specifiedRules, subscriptionRule]

/** Maximum number of cached documents. */
const MAX_CACHED_DOCUMENTS = 1_000

export type Prepare = ReturnType<typeof createPrepare>

/**
 * Creates the function that parses and validates documents. It caches texts, up to `maxTokens`
 * tokens each.
 */
export function createPrepare(schema: GraphQLSchema, maxTokens: number) {
  const cache = new LRUCache<string, CheckedDocument>({ max: MAX_CACHED_DOCUMENTS })

  /** Throws a GraphQLError if the text does not parse. */
  function checkText(text: string): CheckedDocument {
    const cached = cache.get(text)
    if (cached) return cached
    const entry = check(parse(text, { maxTokens }))
    cache.set(text, entry)
    return entry
  }

  function check(document: DocumentNode): CheckedDocument {
    const errors = hasTooDeepValue(document)
      ? [new GraphQLError(`A value ${TOO_DEEP}.`)]
      : validate(schema, document, RULES)
    return { document, errors, paths: variablePaths(document) }
  }

  /**
   * Returns the operation to run, or the client errors that say why there is none. Texts are
   * cached, documents are not.
   */
  return function prepare(
    source: string | DocumentNode,
    operationName?: string | null,
  ): PreparedOperation | { errors: GraphQLError[] } {
    try {
      const { document, errors, paths } = typeof source === 'string' ? checkText(source) : check(source)
      if (errors.length > 0) return { errors: errors.map((error) => toClientError(error, undefined)) }
      const operation = getOperationAST(document, operationName)
      if (operation) return { document, operation, paths }
      const message = operationName
        ? `The document has no operation named "${operationName}".`
        : 'Set operationName to one of the operations in the document.'
      return { errors: [toClientError(new AppError('BAD_REQUEST', message), undefined)] }
    } catch (error) {
      return { errors: [toClientError(error, undefined)] }
    }
  }
}
