/**
 * The cost of an operation, known before it runs: how many fields its answer has at most. Each list
 * counts as often as it can have items.
 */
import {
  type GraphQLNamedType,
  getNamedType,
  isAbstractType,
  isObjectType,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
} from 'graphql'
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
 * The cost of introspection, whatever it selects: its lists have the sizes of the schema, which an
 * estimate of nested lists would multiply.
 */
const INTROSPECTION = new Map([
  [SchemaMetaFieldDef.name, { complexity: 10_000, lists: [] }],
  [TypeMetaFieldDef.name, { complexity: 1_000, lists: [] }],
])

/** The cost of one operation, for any values of its variables. */
export interface OperationCost {
  /** Fields of the answer, if each list has as many items as it can. */
  complexity: (values: Values) => number
  /** Fields of the operation. */
  breadth: number
  /** The limit that is exceeded whatever the values are. */
  problem: AppError | null
}

/** Sums what an operation costs. Stops at the first limit that it exceeds. */
export function costOfOperation({ schema, fields }: OperationPlan, limits: CostLimits): OperationCost {
  /** Fields looked at. Fragments in fragments can select any number, so the first too many ends it. */
  let seen = 0
  try {
    if (fields.length > limits.rootFields) {
      throw tooComplex('number of root fields', String(fields.length), limits.rootFields, 'ROOT_FIELD_LIMIT')
    }
    const cost = costOf(fields, 1)
    return { complexity: (values) => complexityOf(cost, values), breadth: seen, problem: null }
  } catch (problem) {
    if (!(problem instanceof AppError)) throw problem
    return { complexity: () => Number.POSITIVE_INFINITY, breadth: seen, problem }
  }

  function costOf(selected: readonly FieldPlan[], depth: number): Cost {
    return sum(selected.map((field) => costOfField(field, depth)))
  }

  function costOfField(field: FieldPlan, depth: number): Cost {
    if (depth > limits.depth) throw tooComplex('depth', `over ${limits.depth}`, limits.depth)
    if (++seen > limits.breadth) throw tooComplex('breadth', `over ${limits.breadth}`, limits.breadth)
    const { definition, fieldsOf } = field
    const types = objectTypes(getNamedType(definition.type))
    if (types.length === 0) return INTROSPECTION.get(definition.name) ?? ONE
    const inner = types.map((type) => costOf(fieldsOf(type), depth + 1)).reduce(larger, NOTHING)
    const items = limits.itemsOf(definition)
    if (items === 1) return sum([ONE, inner])
    const count = (values: Values) => (typeof items === 'number' ? items : items(argumentsOf(field, values)))
    return { complexity: 1, lists: [{ items: count, inner }] }
  }

  /** Introspection has a cost of its own. */
  function objectTypes(type: GraphQLNamedType) {
    if (type.name.startsWith('__')) return []
    if (isAbstractType(type)) return schema.getPossibleTypes(type)
    return isObjectType(type) ? [type] : []
  }
}

/** Returns the complexity of an operation with these values. Throws if it costs too much. */
export function complexityWithin(limits: CostLimits, cost: OperationCost, values: Values): number {
  if (cost.problem) throw cost.problem
  const complexity = cost.complexity(values)
  if (complexity <= limits.complexity) return complexity
  throw tooComplex('complexity', String(complexity), limits.complexity, 'COMPLEXITY_LIMIT')
}

function sum(costs: readonly Cost[]): Cost {
  return {
    complexity: costs.reduce((total, { complexity }) => total + complexity, 0),
    lists: costs.flatMap(({ lists }) => lists),
  }
}

/** Returns what an object of either type can cost. */
function larger(a: Cost, b: Cost): Cost {
  if (a.lists.length + b.lists.length > 0) return sum([a, b])
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

function tooComplex(measure: string, found: string, limit: number, setting?: string): AppError {
  const named = setting ? `${limit} (${setting})` : String(limit)
  const message = `The operation is too large: its ${measure} is ${found}, the limit is ${named}. Request fewer fields or shorter lists.`
  return new AppError('QUERY_TOO_COMPLEX', message)
}
