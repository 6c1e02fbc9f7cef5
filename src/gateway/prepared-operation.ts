import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { toClientError } from './client-error.ts'
import { AppError } from './errors.ts'
import { Planner } from './execution/plan.ts'
import { subscriptionRule } from './live/subscription-rule.ts'
import type { CostLimits } from './operation.ts'
import { hasTooDeepValue, TOO_DEEP, type VariablePaths, variablePaths } from './variables.ts'

/** An operation that was parsed and validated once and can run many times. */
export interface PreparedOperation {
  document: DocumentNode
  operation: OperationDefinitionNode
  planner: Planner
  /** Where each variable is used. */
  paths: VariablePaths
}

/** A parsed document; `errors` if it is not valid against the schema. */
interface CheckedDocument {
  document: DocumentNode
  errors: readonly GraphQLError[]
  paths: VariablePaths
  /** Planners of the operations that have run. */
  planners: Map<OperationDefinitionNode, Planner>
}

const RULES = [...specifiedRules, subscriptionRule]

/** Maximum number of cached documents. */
const MAX_CACHED_DOCUMENTS = 1_000

export type Prepare = ReturnType<typeof createPrepare>

/**
 * Creates the function that parses and validates documents. It caches texts, up to `maxTokens`
 * tokens each.
 */
export function createPrepare(schema: GraphQLSchema, maxTokens: number, limits?: CostLimits) {
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
    return { document, errors, paths: variablePaths(document), planners: new Map() }
  }

  function plannerOf({ document, planners }: CheckedDocument, operation: OperationDefinitionNode): Planner {
    let planner = planners.get(operation)
    if (!planner) {
      planner = new Planner(schema, operation, fragmentsOf(document), limits)
      planners.set(operation, planner)
    }
    return planner
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
      const checked = typeof source === 'string' ? checkText(source) : check(source)
      const { document, errors, paths } = checked
      if (errors.length > 0) return { errors: errors.map((error) => toClientError(error, undefined)) }
      const operation = getOperationAST(document, operationName || null)
      if (operation) return { document, operation, paths, planner: plannerOf(checked, operation) }
      const message = operationName
        ? `The document has no operation named "${operationName}".`
        : 'Set operationName to one of the operations in the document.'
      return { errors: [toClientError(new AppError('BAD_REQUEST', message), undefined)] }
    } catch (error) {
      return { errors: [toClientError(error, undefined)] }
    }
  }
}

function fragmentsOf({ definitions }: DocumentNode): Record<string, FragmentDefinitionNode> {
  const fragments = definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION)
  return Object.fromEntries(fragments.map((fragment) => [fragment.name.value, fragment]))
}
