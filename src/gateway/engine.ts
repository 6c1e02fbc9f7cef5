import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { type ErrorTranslator, toClientError } from './client-error.ts'
import type { GatewayContext } from './context.ts'
import { AppError, validationFailed } from './errors.ts'
import { fingerprintOf, notKept, requireKeepable } from './idempotency.ts'
import { groupKey } from './live/group-key.ts'
import { createGroups, type SharedOutcome, shareOutcome } from './live/groups.ts'
import { type EngineResult, Outcome } from './live/outcome.ts'
import { type EngineStream, type LiveSource, ResultStream, untilAvailable } from './live/result-stream.ts'
import { rootFieldRule } from './live/root-field-rule.ts'
import {
  hasTooDeepValue,
  isTooDeep,
  TOO_DEEP,
  type VariablePlaces,
  variableIssues,
  variablePlaces,
} from './variables.ts'

/** An operation that was parsed, validated and limited once and can be run many times. */
export interface PreparedOperation {
  document: DocumentNode
  operation: OperationDefinitionNode
  places: VariablePlaces
}

/** A document once parsed; `errors` when it is not valid against the schema. */
interface KnownDocument {
  document: DocumentNode
  errors: readonly GraphQLError[]
  places: VariablePlaces
}

export interface EngineOptions {
  schema: GraphQLSchema
  translateError?: ErrorTranslator
  /** Tokens a document may have: bounds the work of parsing. */
  maxTokens?: number
}

const RULES = [...specifiedRules, rootFieldRule]

/** Texts kept parsed. */
const KNOWN_DOCUMENTS = 1_000

export type Variables = Readonly<Record<string, unknown>>

export type Engine = ReturnType<typeof createEngine>

/** The one way any transport runs an operation, so that limits, error masking and speed work are the same in all. */
export function createEngine(options: EngineOptions) {
  const { schema, translateError, maxTokens = 5_000 } = options
  const known = new LRUCache<string, KnownDocument>({ max: KNOWN_DOCUMENTS })
  const groups = createGroups()

  /** Parses and validates a text once; throws a GraphQLError where it does not parse. */
  function know(text: string): KnownDocument {
    const cached = known.get(text)
    if (cached) return cached
    const entry = examine(parse(text, { maxTokens }))
    known.set(text, entry)
    return entry
  }

  function examine(document: DocumentNode): KnownDocument {
    const errors = hasTooDeepValue(document)
      ? [new GraphQLError(`A value ${TOO_DEEP}.`)]
      : validate(schema, document, RULES)
    return { document, errors, places: variablePlaces(document) }
  }

  /** The operation to run, or the client errors that say why there is none. A text is kept; a document is its caller's to keep. */
  function prepare(
    source: string | DocumentNode,
    operationName?: string | null,
  ): PreparedOperation | { errors: GraphQLError[] } {
    try {
      const { document, errors, places } = typeof source === 'string' ? know(source) : examine(source)
      if (errors.length > 0) return { errors: errors.map((error) => toClientError(error, undefined)) }
      const operation = getOperationAST(document, operationName)
      if (operation) return { document, operation, places }
      const message = operationName ? `There is no operation named "${operationName}".` : 'Name the operation to run.'
      return { errors: [toClientError(new AppError('BAD_REQUEST', message), undefined)] }
    } catch (error) {
      return { errors: [toClientError(error, undefined)] }
    }
  }

  function mask(result: ExecutionResult, context: GatewayContext): EngineResult {
    if (!result.errors) return result as EngineResult
    const errors = result.errors.map((error) => toClientError(error, context, translateError))
    return { ...result, errors } as EngineResult
  }

  /** graphql-js refuses variables one message each and without a place: tell them as issues instead. */
  function explain(prepared: PreparedOperation, variables: Variables, result: ExecutionResult): ExecutionResult {
    if (!result.errors || result.data !== undefined) return result
    const issues = variableIssues(schema, prepared.operation, prepared.places, variables)
    if (issues.length === 0) return result
    return { errors: [new GraphQLError('', { originalError: validationFailed(issues) })] }
  }

  /** Variables that graphql-js had better not see. */
  function refuse(
    { places }: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
  ): EngineResult | undefined {
    const deep = Object.keys(variables).filter((name) => isTooDeep(variables[name]))
    if (deep.length === 0) return undefined
    const issues = deep.map((name) => ({ path: places.get(name) ?? [name], code: 'too_deep', message: TOO_DEEP }))
    return { errors: [toClientError(validationFailed(issues), context)] }
  }

  /** Runs a query or mutation. Never throws: every problem is in `errors`, safe to show. */
  async function run(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
  ): Promise<EngineResult> {
    const refused = refuse(prepared, variables, context)
    if (refused) return refused
    try {
      return await perform(prepared, variables, context)
    } catch (error) {
      return { errors: [toClientError(error, context, translateError)] }
    } finally {
      if (prepared.operation.operation === OperationTypeNode.MUTATION) context.afterWrite()
    }
  }

  async function perform(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
  ): Promise<EngineResult> {
    const { document, operation } = prepared
    const result = await execute({
      schema,
      document,
      operationName: operation.name?.value,
      variableValues: variables,
      contextValue: context,
    })
    return mask(explain(prepared, variables, result), context)
  }

  /** Runs a mutation that has a key of the client's: once, however often it is sent. */
  async function runOnce(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
    key: string,
  ): Promise<{ result: EngineResult; replayed: boolean }> {
    const refused = refuse(prepared, variables, context)
    if (refused) return { result: refused, replayed: false }
    try {
      requireKeepable(schema, prepared)
      if (!context.once) throw notKept()
      const several = prepared.operation.selectionSet.selections.length > 1
      const request = { key, fingerprint: fingerprintOf(prepared, variables), several }
      const { answer, replayed } = await context.once(request, async (within) => {
        const result = await perform(prepared, variables, within)
        return { answer: result, failures: result.errors?.map(({ originalError }) => originalError) ?? [] }
      })
      return { result: answer, replayed }
    } catch (error) {
      return { result: { errors: [toClientError(error, context, translateError)] }, replayed: false }
    } finally {
      context.afterWrite()
    }
  }

  /**
   * Opens a subscription. Each event runs in a fork of the context, so that nothing cached for one event answers for
   * the next; what it comes to is shared with the others of its group. A source that fails ends the stream with one last result that
   * carries the error.
   */
  async function open(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
  ): Promise<EngineStream | EngineResult> {
    const { document, operation } = prepared
    const operationName = operation.name?.value
    const refused = refuse(prepared, variables, context)
    if (refused) return refused
    const runEvent = (rootValue: unknown, contextValue: GatewayContext) =>
      execute({ schema, document, operationName, variableValues: variables, contextValue, rootValue })
    const runOwn = async (event: unknown) =>
      new Outcome(
        await untilAvailable(async () => {
          const fork = context.fork()
          return mask(await runEvent(event, fork), fork)
        }),
      )
    try {
      const source = await createSourceEventStream({
        schema,
        document,
        operationName,
        variableValues: variables,
        contextValue: context,
      })
      if (!(Symbol.asyncIterator in source)) return mask(explain(prepared, variables, source), context)
      const { sharing } = context
      const place = sharing && groups.join(groupKey(schema, prepared, variables, sharing.access))
      const runShared = async (event: unknown): Promise<SharedOutcome> => {
        const traced = sharing?.fork()
        if (traced) {
          const result = mask(await runEvent(event, traced.context), traced.context)
          if (!result.errors) return { outcome: new Outcome(result), suits: traced.suits }
        }
        // An error may be of the moment, and names the request it befell.
        return { outcome: await runOwn(event), suits: () => false }
      }
      return new ResultStream({
        source: source as LiveSource,
        map: (event) =>
          place
            ? shareOutcome(place.group, event, context, { shared: () => runShared(event), own: () => runOwn(event) })
            : runOwn(event),
        fail: (error) => ({ errors: [toClientError(error, context, translateError)] }),
        lifetime: context.openLifetime(),
        onEnd: () => place?.leave(),
      })
    } catch (error) {
      return { errors: [toClientError(error, context, translateError)] }
    }
  }

  return {
    schema,
    prepare,
    run,
    runOnce,
    open,
    /** Groups of open subscriptions whose results are shared. */
    get groups() {
      return groups.size
    },
  }
}
