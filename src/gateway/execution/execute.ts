/**
 * Executes planned operations as graphql-js does, with the same answers and errors. Does not look
 * anything up twice, and reads a column that a row has without a call.
 */
import { type ExecutionResult, type GraphQLError, locatedError, OperationTypeNode } from 'graphql'
import { AppError, validationFailed } from '../errors.ts'
import type { Payer } from '../limits/rate-limit.ts'
import { type AnswerLimits, DEFAULT_ANSWER_LIMITS } from '../operation.ts'
import { coerceVariables } from '../variables.ts'
import { createBudget } from './budget.ts'
import type { Execution, FieldPlan, OperationPlan, Path, Values } from './field-plan.ts'
import { executeField, executeFields, set } from './fields.ts'
import type { Planner } from './plan.ts'

export interface ExecuteArguments {
  planner: Planner
  /** As the client sent them. */
  variables: Values
  contextValue: unknown
  rootValue?: unknown
  limits?: AnswerLimits | undefined
  /** Pays for the operation. */
  payer?: Payer | undefined
}

/** Returns the errors of an operation that must not run: invalid variables, or too high a cost. */
export function checkPlanned({ planner, variables, payer }: Pick<ExecuteArguments, 'planner' | 'variables' | 'payer'>) {
  const ready = prepare(planner, variables, payer)
  return 'errors' in ready ? ready.errors : undefined
}

type Ready = { plan: OperationPlan; values: Values } | { errors: readonly GraphQLError[] }

function prepare(planner: Planner, variables: Values, payer: Payer | undefined): Ready {
  const { schema, operation, paths } = planner
  const { values, issues } = coerceVariables(schema, operation, paths, variables)
  try {
    if (issues.length > 0) throw validationFailed(issues)
    return { plan: planner.plan(values, payer), values }
  } catch (error) {
    return { errors: [locatedError(error, operation)] }
  }
}

/** Executes an operation. Never throws: all problems are in `errors`. */
export async function executePlanned({
  planner,
  variables,
  contextValue,
  rootValue,
  limits = DEFAULT_ANSWER_LIMITS,
  payer,
}: ExecuteArguments): Promise<ExecutionResult> {
  const ready = prepare(planner, variables, payer)
  if ('errors' in ready) return ready
  const { plan, values } = ready
  const nulled = new Set<Path | undefined>()
  const found: GraphQLError[] = []
  const budget = createBudget(limits)
  let data: Record<string, unknown> | null = null
  try {
    const execution = { plan, variableValues: values, contextValue, rootValue, errors: found, nulled, budget }
    const isMutation = plan.operation.operation === OperationTypeNode.MUTATION
    const executeRoot = isMutation ? executeSerially : executeFields
    data = (await executeRoot(execution, plan.fields, rootValue, undefined)) as Record<string, unknown>
  } catch (error) {
    // Whatever else went wrong: a smaller answer might not have had it.
    if (error === budget.exceeded) return { errors: [locatedError(error, plan.operation)], data: null }
    if (!nulled.has(undefined)) found.push(error as GraphQLError)
    nulled.add(undefined)
  }
  return found.length > 0 ? { errors: [...found], data } : { data }
}

async function executeSerially(
  execution: Execution,
  fields: readonly FieldPlan[],
  source: unknown,
): Promise<Record<string, unknown>> {
  const answer: Record<string, unknown> = {}
  for (const field of fields) set(answer, field.key, await executeMutation(execution, field, source))
  return answer
}

/**
 * Executes one field of a mutation. If its answer is too large, those before it keep theirs, since
 * they have happened, and those after it do not run.
 */
async function executeMutation(execution: Execution, field: FieldPlan, source: unknown): Promise<unknown> {
  const { budget, errors } = execution
  const { exceeded } = budget
  try {
    if (exceeded) throw new AppError('QUERY_TOO_COMPLEX', `This mutation did not run. ${exceeded.message}`)
    return await executeField(execution, field, source, undefined)
  } catch (error) {
    if (!budget.exceeded || !field.isNullable) throw error
    errors.push(locatedError(error, field.nodes, [field.key]))
    return null
  }
}
