import { createSourceEventStream, type ExecutionResult, type GraphQLSchema, OperationTypeNode } from 'graphql'
import { type ErrorTranslator, toClientError } from './client-error.ts'
import type { DocumentLimits } from './document-limits.ts'
import { type Issue, validationFailed } from './errors.ts'
import { checkPlanned, executePlanned } from './execution/execute.ts'
import type { GatewayContext } from './gateway-context.ts'
import { fingerprintOf, notStored, requireStorable } from './idempotency-key.ts'
import type { Payer } from './limits/rate-limit.ts'
import { groupKey } from './live/group-key.ts'
import { createGroups, type SharedOutcome, shareOutcome } from './live/groups.ts'
import { type EngineResult, Outcome } from './live/outcome.ts'
import { type EngineStream, type LiveSource, ResultStream, retryUntilAvailable } from './live/result-stream.ts'
import { observed } from './observation.ts'
import { type AnswerLimits, type CostLimits, DEFAULT_ANSWER_LIMITS, LARGE } from './operation.ts'
import { createPrepare, type PreparedOperation } from './prepared-operation.ts'
import { refuseSignedOut, rootFields } from './require-principal.ts'
import { traceWork } from './tracing.ts'
import { receiveUploads } from './uploads/receive.ts'
import { DEFAULT_MAX_VALUES, sizeIssue, type Variables } from './variables.ts'

export interface EngineOptions {
  schema: GraphQLSchema
  translateError?: ErrorTranslator
  documents?: Partial<DocumentLimits>
  /** Limits of the cost of an operation. Unlimited by default. */
  limits?: CostLimits
  answers?: AnswerLimits
  /** Maximum number of fields and list items in the variables of an operation. */
  maxValues?: number
  /** False refuses `__schema` and `__type`. */
  introspection?: boolean
}

export type Engine = ReturnType<typeof createEngine>

/** Returns the answer of a request of which nothing remains: what succeeded was undone too. */
function rolledBack({ data, errors = [] }: EngineResult): EngineResult {
  return data ? { errors, data: Object.fromEntries(Object.keys(data).map((name) => [name, null])) } : { errors }
}

/**
 * Creates the engine, which runs the operations of every transport. Limits, error masking and
 * optimizations are the same for all.
 */
export function createEngine(options: EngineOptions) {
  const { schema, translateError, answers = DEFAULT_ANSWER_LIMITS, maxValues = DEFAULT_MAX_VALUES } = options
  const largeAnswers = { objects: answers.objects * LARGE, bytes: answers.bytes * LARGE }
  const prepare = createPrepare(schema, options)
  const groups = createGroups()

  function sizeOf(value: unknown, { large }: { large: boolean }) {
    return sizeIssue(value, large ? maxValues * LARGE : maxValues)
  }

  function mask(result: ExecutionResult, context: GatewayContext): EngineResult {
    if (!result.errors) return result as EngineResult
    const errors = result.errors.map((error) => toClientError(error, context, translateError))
    return { ...result, errors } as EngineResult
  }

  /**
   * Returns the answer to an operation that must not run: nobody is signed in, or a value is
   * nested too deeply or too large to be coerced.
   */
  function refuse(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
  ): EngineResult | undefined {
    const observation = observed()
    if (observation && observation.operation === undefined) {
      observation.operation = prepared.name
      observation.operationName = prepared.operation.name?.value
    }
    const signedOut = refuseSignedOut(schema, prepared, variables, context)
    if (signedOut) return signedOut
    const issues: Issue[] = []
    for (const name in variables) {
      const issue = sizeOf(variables[name], { large: prepared.isLarge })
      if (issue) issues.push({ path: prepared.paths.get(name) ?? [name], ...issue })
    }
    return issues.length > 0 ? { errors: [toClientError(validationFailed(issues), context)] } : undefined
  }

  /** Counts an operation that is about to run, or returns the answer to one too many. */
  function enter(context: GatewayContext): EngineResult | undefined {
    const error = context.payer?.enter()
    return error && { errors: [toClientError(error, context)] }
  }

  /**
   * Runs a query or mutation. Never throws: all problems are in `errors`, safe to show to clients.
   */
  async function run(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
  ): Promise<EngineResult> {
    const refused = refuse(prepared, variables, context) ?? enter(context)
    if (refused) return refused
    try {
      return await traceWork(prepared.name, () => perform(prepared, variables, context))
    } catch (error) {
      return { errors: [toClientError(error, context, translateError)] }
    } finally {
      context.payer?.leave()
      if (prepared.operation.operation === OperationTypeNode.MUTATION) {
        context.afterWrite(rootFields(schema, prepared, variables))
      }
    }
  }

  async function perform(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
  ): Promise<EngineResult> {
    const result = await execute(prepared, variables, context, undefined, context.payer)
    return mask(result, context)
  }

  async function execute(
    { planner, isLarge }: PreparedOperation,
    variables: Variables,
    contextValue: GatewayContext,
    rootValue?: unknown,
    payer?: Payer,
  ): Promise<ExecutionResult> {
    const limits = isLarge ? largeAnswers : answers
    try {
      return await executePlanned({ planner, variables, contextValue, rootValue, limits, payer })
    } finally {
      contextValue.release?.()
    }
  }

  /** Runs a mutation with an idempotency key: once, however often it is sent. */
  async function runOnce(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
    key: string,
  ): Promise<{ result: EngineResult; replayed: boolean }> {
    const refused = refuse(prepared, variables, context) ?? enter(context)
    if (refused) return { result: refused, replayed: false }
    let discardFiles: (() => Promise<void>) | undefined
    let keepsFiles = false
    try {
      requireStorable(schema, prepared)
      if (!context.once) throw notStored()
      discardFiles = await receiveUploads(schema, prepared, variables, context)
      const several = prepared.operation.selectionSet.selections.length > 1
      const request = { key, fingerprint: fingerprintOf(prepared, variables), several }
      const { answer, replayed } = await context.once(request, async (within) => {
        const result = await perform(prepared, variables, within)
        const failures = result.errors?.map(({ originalError }) => originalError) ?? []
        return { answer: failures.length > 0 ? rolledBack(result) : result, failures }
      })
      keepsFiles = !replayed && !answer.errors
      return { result: answer, replayed }
    } catch (error) {
      return { result: { errors: [toClientError(error, context, translateError)] }, replayed: false }
    } finally {
      if (!keepsFiles) await discardFiles?.()
      context.payer?.leave()
      context.afterWrite(rootFields(schema, prepared, variables))
    }
  }

  /**
   * Opens a subscription. Each event runs in a fork of the context, so that nothing cached for one
   * event is used for the next. Streams of one group share the outcome. If the source fails, the
   * stream ends with one last result with the error.
   */
  async function open(
    prepared: PreparedOperation,
    variables: Variables,
    context: GatewayContext,
  ): Promise<EngineStream | EngineResult> {
    const { document, operation } = prepared
    const operationName = operation.name?.value
    const refused = refuse(prepared, variables, context)
    // A subscription that does not start has no data.
    if (refused) return { errors: refused.errors ?? [] }
    const runEvent = (rootValue: unknown, contextValue: GatewayContext) =>
      execute(prepared, variables, contextValue, rootValue)
    const runOwn = async (event: unknown) =>
      new Outcome(
        await retryUntilAvailable(async () => {
          const fork = context.fork()
          return mask(await runEvent(event, fork), fork)
        }),
      )
    try {
      const errors = checkPlanned({ planner: prepared.planner, variables, payer: context.payer })
      if (errors) return mask({ errors }, context)
      const source = await createSourceEventStream({
        schema,
        document,
        operationName,
        variableValues: variables,
        contextValue: context,
      })
      if (!(Symbol.asyncIterator in source)) return mask(source, context)
      const observation = observed()
      if (observation) observation.isStream = true
      const { sharing } = context
      const place = sharing && groups.join(groupKey(schema, prepared, variables, sharing.access))
      const runShared = async (event: unknown): Promise<SharedOutcome> => {
        const traced = sharing?.fork()
        if (traced) {
          const result = mask(await runEvent(event, traced.context), traced.context)
          if (!result.errors) return { outcome: new Outcome(result), suits: traced.suits }
        }
        // The error may be temporary, and it names the request in which it occurred: do
        // not share it.
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
    /** Returns what is wrong with the size of a value that becomes one or more variables. */
    sizeIssue: sizeOf,
    run,
    runOnce,
    open,
    /**
     * Returns the answer to an operation that needs a signed-in caller if there is
     * none, else undefined.
     */
    refuseSignedOut: (prepared: PreparedOperation, variables: Variables, context: GatewayContext) =>
      refuseSignedOut(schema, prepared, variables, context),
    /** Number of groups of open subscriptions that share results. */
    get groups() {
      return groups.size
    },
  }
}
