import type { ComplexityErrorFn, FieldComplexityFunction } from '@pothos/plugin-complexity'
import { getNullableType, isListType } from 'graphql'
import type { Context } from './context.ts'
import { AppError } from './gateway/errors.ts'

/**
 * What one operation may ask for. Complexity counts fields, those of a list as often as the list is asked to be long: a
 * hundred tasks with all their fields and relations cost some 3,000.
 */
export const LIMITS = { complexity: 25_000, depth: 12, breadth: 1_000 }

const DEFAULT_PAGE = 20
/** Of a list that is not paged, like the changes of an event. */
const SHORT_LIST = 5

/** A page counts as often as it is long, at its own field: its nodes and edges are the page, not a list within it. */
export const costOf: FieldComplexityFunction<Context, Record<string, unknown>> = (args, _context, field) => {
  if (field.args.some((arg) => arg.name === 'first')) {
    const { first, last } = args
    return { field: 1, multiplier: typeof first === 'number' ? first : typeof last === 'number' ? last : DEFAULT_PAGE }
  }
  const isPage = field.name === 'nodes' || field.name === 'edges'
  return { field: 1, multiplier: isListType(getNullableType(field.type)) && !isPage ? SHORT_LIST : 1 }
}

export const tooComplex: ComplexityErrorFn = (kind, { complexity, depth, breadth }) => {
  const found = { Complexity: complexity, Depth: depth, Breadth: breadth }[kind]
  const limit = { Complexity: LIMITS.complexity, Depth: LIMITS.depth, Breadth: LIMITS.breadth }[kind]
  const message = `The operation asks for too much: its ${kind.toLowerCase()} is ${found}, the limit is ${limit}.`
  return new AppError('QUERY_TOO_COMPLEX', message)
}
