/**
 * The cost of an operation, known before it runs: how many fields its answer has at most. Each list
 * counts as often as it can have items.
 */
import { type GraphQLNamedType, getNamedType, isAbstractType, isObjectType } from 'graphql'
import { AppError } from '../errors.ts'
import type { CostLimits } from '../operation.ts'
import type { FieldPlan, OperationPlan, Values } from './field-plan.ts'

/** The cost of some fields. What depends on variables is summed when they are known. */
interface Cost {
  complexity: number
  lists: readonly { items: (values: Values) => number; inner: Cost }[]
}

const NOTHING: Cost = { complexity: 0, lists: [] }
const ONE: Cost = { complexity: 1, lists: [] }

/**
 * Returns the function that computes the complexity of an operation for values of its variables. It
 * throws QUERY_TOO_COMPLEX if the operation exceeds a limit.
 */
export function costCheck({ schema, fields }: OperationPlan, limits: CostLimits): (values: Values) => number {
  /** Fields looked at. Fragments in fragments can select any number, so the first too many ends it. */
  let seen = 0
  try {
    const cost = costOf(fields, 1)
    return (values) => {
      const complexity = complexityOf(cost, values)
      if (complexity > limits.complexity) throw tooComplex('complexity', String(complexity), limits.complexity)
      return complexity
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return () => {
      throw error
    }
  }

  function costOf(selected: readonly FieldPlan[], depth: number): Cost {
    return selected.map((field) => costOfField(field, depth)).reduce(sum, NOTHING)
  }

  function costOfField(field: FieldPlan, depth: number): Cost {
    if (depth > limits.depth) throw tooComplex('depth', `over ${limits.depth}`, limits.depth)
    if (++seen > limits.breadth) throw tooComplex('breadth', `over ${limits.breadth}`, limits.breadth)
    const { definition, fieldsOf } = field
    const types = objectTypes(getNamedType(definition.type))
    if (types.length === 0) return ONE
    const inner = types.map((type) => costOf(fieldsOf(type), depth + 1)).reduce(larger, NOTHING)
    const items = limits.itemsOf(definition)
    if (items === 1) return sum(ONE, inner)
    const count = (values: Values) => (typeof items === 'number' ? items : items(argumentsOf(field, values)))
    return sum(ONE, { complexity: 0, lists: [{ items: count, inner }] })
  }

  /** Introspection, whose fields no resolver loads, counts as one field. */
  function objectTypes(type: GraphQLNamedType) {
    if (type.name.startsWith('__')) return []
    if (isAbstractType(type)) return schema.getPossibleTypes(type)
    return isObjectType(type) ? [type] : []
  }
}

function sum(a: Cost, b: Cost): Cost {
  return { complexity: a.complexity + b.complexity, lists: [...a.lists, ...b.lists] }
}

/** Returns what an object of either type can cost. */
function larger(a: Cost, b: Cost): Cost {
  if (a.lists.length + b.lists.length > 0) return sum(a, b)
  return a.complexity > b.complexity ? a : b
}

function complexityOf({ complexity, lists }: Cost, values: Values): number {
  let total = complexity
  for (const { items, inner } of lists) total += Math.max(items(values), 0) * complexityOf(inner, values)
  return total
}

/** Returns no arguments if they are invalid: the field will fail. */
function argumentsOf({ readArguments }: FieldPlan, values: Values): Record<string, unknown> {
  try {
    return readArguments?.(values) ?? {}
  } catch {
    return {}
  }
}

function tooComplex(measure: string, found: string, limit: number): AppError {
  const message = `The operation is too large: its ${measure} is ${found}, the limit is ${limit}. Request fewer fields or shorter lists.`
  return new AppError('QUERY_TOO_COMPLEX', message)
}
