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
  depth: number
  breadth: number
  lists: readonly { items: (values: Values) => number; inner: Cost }[]
}

const NOTHING: Cost = { complexity: 0, depth: 0, breadth: 0, lists: [] }

/** Returns the error for an operation that exceeds a limit, for any values of its variables. */
export function costCheck({ schema, fields }: OperationPlan, limits: CostLimits): (values: Values) => AppError | null {
  const cost = costOf(fields)
  if (cost.depth > limits.depth) return () => tooComplex('depth', cost.depth, limits.depth)
  if (cost.breadth > limits.breadth) return () => tooComplex('breadth', cost.breadth, limits.breadth)
  return (values) => {
    const complexity = complexityOf(cost, values)
    return complexity > limits.complexity ? tooComplex('complexity', complexity, limits.complexity) : null
  }

  function costOf(selected: readonly FieldPlan[]): Cost {
    return selected.map(costOfField).reduce(sum, NOTHING)
  }

  function costOfField(field: FieldPlan): Cost {
    const { definition, fieldsOf } = field
    const own = { complexity: 1, depth: 1, breadth: 1, lists: [] }
    const inner = objectTypes(getNamedType(definition.type))
      .map((type) => costOf(fieldsOf(type)))
      .reduce(larger, NOTHING)
    if (inner.breadth === 0) return own
    const below = { ...NOTHING, depth: inner.depth + 1, breadth: inner.breadth }
    const items = limits.itemsOf(definition)
    if (items === 1) return sum(own, { ...inner, depth: below.depth })
    const count = (values: Values) => (typeof items === 'number' ? items : items(argumentsOf(field, values)))
    return sum(own, { ...below, lists: [{ items: count, inner }] })
  }

  /** Introspection, whose fields no resolver loads, counts as one field. */
  function objectTypes(type: GraphQLNamedType) {
    if (type.name.startsWith('__')) return []
    if (isAbstractType(type)) return schema.getPossibleTypes(type)
    return isObjectType(type) ? [type] : []
  }
}

function sum(a: Cost, b: Cost): Cost {
  return {
    complexity: a.complexity + b.complexity,
    depth: Math.max(a.depth, b.depth),
    breadth: a.breadth + b.breadth,
    lists: [...a.lists, ...b.lists],
  }
}

/** Returns what an object of either type can cost. */
function larger(a: Cost, b: Cost): Cost {
  if (a.lists.length + b.lists.length > 0) return sum(a, b)
  const [complexity, depth, breadth] = [
    Math.max(a.complexity, b.complexity),
    Math.max(a.depth, b.depth),
    Math.max(a.breadth, b.breadth),
  ]
  return { complexity, depth, breadth, lists: [] }
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

function tooComplex(measure: string, found: number, limit: number): AppError {
  const message = `The operation is too large: its ${measure} is ${found}, the limit is ${limit}. Request fewer fields or shorter lists.`
  return new AppError('QUERY_TOO_COMPLEX', message)
}
