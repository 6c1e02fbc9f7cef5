import { getNamedType, getNullableType, isLeafType, isListType } from 'graphql'
import type { CostLimits, ItemsOf } from '../operation.ts'

/** Limits of a gateway. Error messages name them in capitals, like BODY_LIMIT. */
export interface GatewayLimits {
  /** Bytes of a request body. */
  bodyLimit: number
  /** The same for operations with `large: true`. */
  largeBodyLimit: number
  /** Milliseconds for a body to arrive. */
  bodyTimeout: number
  /** The same for an upload. */
  streamedBodyTimeout: number
  /** Milliseconds from a complete request to its answer. */
  requestTimeout: number
  /** Fields of an answer, if each list is as long as it can be. */
  complexityLimit: number
  /** Fields at the first level of an operation. */
  rootFieldLimit: number
  /** Bytes of an answer. */
  answerLimit: number
  /** Open websockets and streams of a signed-in caller. */
  connectionLimit: number
  /** Open websockets of an address without a credential. */
  anonymousSocketLimit: number
}

export const DEFAULT_LIMITS: GatewayLimits = {
  bodyLimit: 1_048_576,
  largeBodyLimit: 16_777_216,
  bodyTimeout: 30_000,
  streamedBodyTimeout: 3_600_000,
  requestTimeout: 30_000,
  complexityLimit: 200_000,
  rootFieldLimit: 100,
  answerLimit: 4_194_304,
  connectionLimit: 50,
  anonymousSocketLimit: 50,
}

/** Length of a list that does not say how long it is. */
const ASSUMED_ITEMS = 100
const ASSUMED_PAGE = 20
const PAGE_ARGUMENTS = ['first', 'last', 'limit'] as const

/** Guesses how many items a field has: what its arguments ask for, else 100 for a list of objects. */
const itemsOf: ItemsOf = ({ name, args, type }) => {
  if (args.some((arg) => PAGE_ARGUMENTS.includes(arg.name as 'first'))) {
    return (given) => {
      const asked = PAGE_ARGUMENTS.map((argument) => given[argument]).find((value) => value != null)
      return Math.max(1, Number(asked ?? ASSUMED_PAGE))
    }
  }
  // Counted where the page around them is.
  if (name === 'nodes' || name === 'edges') return 1
  return isListType(getNullableType(type)) && !isLeafType(getNamedType(type)) ? ASSUMED_ITEMS : 1
}

export function costLimitsOf(limits: GatewayLimits): CostLimits {
  return { complexity: limits.complexityLimit, depth: 12, breadth: 1_000, rootFields: limits.rootFieldLimit, itemsOf }
}
