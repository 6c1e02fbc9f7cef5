import type { ComplexityErrorFn, FieldComplexityFunction } from '@pothos/plugin-complexity'
import { getNullableType, isListType } from 'graphql'
import { AppError } from '../gateway/errors.ts'
import type { Context } from '../request/context.ts'

/**
 * Limits of one operation. Complexity counts fields, multiplied by the requested length of each
 * list. A hundred tasks with all their fields and relations cost about 3,000.
 */
export const LIMITS = { complexity: 25_000, depth: 12, breadth: 1_000 }

const DEFAULT_PAGE = 20
/** Assumed length of a list without pages, like the changes of an event. */
const SHORT_LIST = 5

/**
 * Multiplies the cost of a connection by its page size. `nodes` and `edges` do not
 * multiply it again.
 */
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
  const message = `The operation is too large: its ${kind.toLowerCase()} is ${found}, the limit is ${limit}. Request fewer fields or shorter lists.`
  return new AppError('QUERY_TOO_COMPLEX', message)
}
