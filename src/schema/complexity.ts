import { getNullableType, isListType } from 'graphql'
import type { CostLimits } from '../gateway/operation.ts'
import { DEFAULT_PAGE } from './lists.ts'

/** Assumed length of a list without pages, like the changes of an event. */
const SHORT_LIST = 5

/**
 * Limits of one operation. Complexity counts fields, multiplied by the requested length of each
 * list. A hundred tasks with all their fields and relations cost about 3,000.
 */
export const LIMITS: CostLimits = {
  complexity: 25_000,
  depth: 12,
  breadth: 1_000,
  // A connection counts by its page size. Its `nodes` and `edges` do not count again.
  itemsOf({ name, args, type }) {
    if (args.some((arg) => arg.name === 'first')) {
      return ({ first, last }) => (typeof first === 'number' ? first : typeof last === 'number' ? last : DEFAULT_PAGE)
    }
    if (args.some((arg) => arg.name === 'ids')) return ({ ids }) => (Array.isArray(ids) ? ids.length : 1)
    const isPage = name === 'nodes' || name === 'edges'
    return isListType(getNullableType(type)) && !isPage ? SHORT_LIST : 1
  },
}
