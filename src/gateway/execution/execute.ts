/**
 * Executes planned operations as graphql-js does, with the same answers and errors. Does not look
 * anything up twice, and reads a column that a row has without a call.
 */
import { type ExecutionResult, type GraphQLError, getVariableValues, locatedError, OperationTypeNode } from 'graphql'
import type { Payer } from '../limits/rate-limit.ts'
import type { Execution, FieldPlan, OperationPlan, Path, Values } from './field-plan.ts'
import { executeField, executeFields, set } from './fields.ts'
import type { Planner } from './plan.ts'

export interface ExecuteArguments {
  planner: Planner
  /** As the client sent them. */
  variables: Values
  contextValue: unknown
  rootValue?: unknown
  /** Pays for the operation. */
  payer?: Payer | undefined
}

/** As many as graphql-js reports. */
const MAX_VARIABLE_ERRORS = 50

/** Returns the errors of an operation that must not run: invalid variables, or too high a cost. */
export function checkPlanned({ planner, variables, payer }: Pick<ExecuteArguments, 'planner' | 'variables' | 'payer'>) {
  const ready = prepare(planner, variables, payer)
  return 'errors' in ready ? ready.errors : undefined
}

type Ready = { plan: OperationPlan; values: Values } | { errors: readonly GraphQLError[] }

function prepare(planner: Planner, variables: Values, payer: Payer | undefined): Ready {
  const { schema, operation } = planner
  const options = { maxErrors: MAX_VARIABLE_ERRORS }
  const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, options)
  if (errors) return { errors }
  try {
    return { plan: planner.plan(coerced, payer), values: coerced }
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
  payer,
}: ExecuteArguments): Promise<ExecutionResult> {
  const ready = prepare(planner, variables, payer)
  if ('errors' in ready) return ready
  const { plan, values } = ready
  const nulled = new Set<Path | undefined>()
  const found: GraphQLError[] = []
  let data: Record<string, unknown> | null = null
  try {
    const execution = { plan, variableValues: values, contextValue, rootValue, errors: found, nulled }
    const isMutation = plan.operation.operation === OperationTypeNode.MUTATION
    const executeRoot = isMutation ? executeSerially : executeFields
    data = (await executeRoot(execution, plan.fields, rootValue, undefined)) as Record<string, unknown>
  } catch (error) {
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
  for (const field of fields) set(answer, field.key, await executeField(execution, field, source, undefined))
  return answer
}
