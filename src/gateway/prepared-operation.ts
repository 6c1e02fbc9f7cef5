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
import {
  DEFAULT_DOCUMENT_LIMITS,
  type DocumentLimits,
  requireFlatText,
  requireShortText,
  requireSmallDocument,
} from './document-limits.ts'
import { AppError } from './errors.ts'
import { Planner } from './execution/plan.ts'
import { subscriptionRule } from './live/subscription-rule.ts'
import { type CostLimits, restOperation } from './operation.ts'
import { type VariablePaths, variablePaths } from './variables.ts'

/** An operation that was parsed and validated once and can run many times. */
export interface PreparedOperation {
  document: DocumentNode
  operation: OperationDefinitionNode
  planner: Planner
  /** The argument path of each variable. */
  paths: VariablePaths
  /** Its root field, or `several`: for logs and metrics. */
  name: string
  /** True if one of its root fields accepts large bodies in REST. */
  isLarge: boolean
}

export interface PrepareOptions {
  documents?: Partial<DocumentLimits>
  limits?: CostLimits
  introspection?: boolean
}

/** A valid document. */
interface CheckedDocument {
  document: DocumentNode
  paths: VariablePaths
  /** Operations that have run. */
  operations: Map<OperationDefinitionNode, PreparedOperation>
  /** Called with the number of fields of each new plan. */
  onPlan?: (fields: number) => void
}

interface Invalid {
  errors: readonly GraphQLError[]
}

const RULES = [...specifiedRules, subscriptionRule]

/** As many as a person can use. Each may suggest names, which takes time. */
const MAX_ERRORS = 20

/** Maximum number and approximate size of cached documents with their plans. */
const MAX_CACHED_DOCUMENTS = 1_000
const MAX_CACHED_BYTES = 67_108_864
/** Measured: what a node, a planned field and a character (as a token of its own) take. */
const NODE_BYTES = 300
const FIELD_BYTES = 600
const CHARACTER_BYTES = 30

export type Prepare = ReturnType<typeof createPrepare>

/** Creates the function that parses and validates documents. It caches the texts of valid ones. */
export function createPrepare(schema: GraphQLSchema, options: PrepareOptions = {}) {
  const { limits, introspection = true } = options
  const documentLimits = { ...DEFAULT_DOCUMENT_LIMITS, ...options.documents }
  const cache = new LRUCache<string, CheckedDocument>({ max: MAX_CACHED_DOCUMENTS, maxSize: MAX_CACHED_BYTES })

  /** Throws if the text does not parse or is too large. */
  function checkText(text: string): CheckedDocument | Invalid {
    requireShortText(text, documentLimits)
    const cached = cache.get(text)
    if (cached) return cached
    requireFlatText(text)
    const document = parse(text, { maxTokens: documentLimits.tokens })
    const nodes = requireSmallDocument(document, documentLimits, introspection)
    const checked = check(document)
    if ('errors' in checked) return checked
    let size = text.length * CHARACTER_BYTES + nodes * NODE_BYTES
    cache.set(text, checked, { size })
    checked.onPlan = (fields) => {
      size += fields * FIELD_BYTES
      if (cache.peek(text) === checked) cache.set(text, checked, { size })
    }
    return checked
  }

  function check(document: DocumentNode): CheckedDocument | Invalid {
    const errors = validate(schema, document, RULES, { maxErrors: MAX_ERRORS })
    if (errors.length > 0) return { errors: introspection ? errors : errors.map(withoutSuggestion) }
    return { document, paths: variablePaths(document), operations: new Map() }
  }

  function ready(checked: CheckedDocument, operation: OperationDefinitionNode): PreparedOperation {
    const { document, operations, paths, onPlan } = checked
    const known = operations.get(operation)
    if (known) return known
    const planner = new Planner({ schema, operation, fragments: fragmentsOf(document), paths, limits, onPlan })
    const isLarge = acceptsLargeBodies(schema, operation)
    const prepared = { document, operation, paths, planner, name: nameOf(operation), isLarge }
    operations.set(operation, prepared)
    return prepared
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
      if ('errors' in checked) return { errors: checked.errors.map((error) => toClientError(error, undefined)) }
      const operation = getOperationAST(checked.document, operationName || null)
      if (operation) return ready(checked, operation)
      const message = operationName
        ? `The document has no operation named "${operationName}".`
        : 'Set operationName to one of the operations in the document.'
      return { errors: [toClientError(new AppError('BAD_REQUEST', message), undefined)] }
    } catch (error) {
      return { errors: [toClientError(error, undefined)] }
    }
  }
}

/** Names of the schema are not for clients that may not read it. */
function withoutSuggestion(error: GraphQLError): GraphQLError {
  const { nodes, source, positions } = error
  return new GraphQLError(error.message.replace(/ Did you mean .*$/s, ''), { nodes, source, positions })
}

function acceptsLargeBodies(schema: GraphQLSchema, { operation, selectionSet }: OperationDefinitionNode): boolean {
  const fields = schema.getRootType(operation)?.getFields() ?? {}
  return selectionSet.selections.some(
    (one) => one.kind === Kind.FIELD && restOperation(fields[one.name.value] ?? {})?.large === true,
  )
}

function nameOf({ selectionSet: { selections } }: OperationDefinitionNode): string {
  const names = new Set(selections.map((one) => (one.kind === Kind.FIELD ? one.name.value : '')))
  const [name = ''] = names
  return names.size === 1 && name !== '' ? name : 'several'
}

function fragmentsOf({ definitions }: DocumentNode): Record<string, FragmentDefinitionNode> {
  const fragments = definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION)
  return Object.fromEntries(fragments.map((fragment) => [fragment.name.value, fragment]))
}
