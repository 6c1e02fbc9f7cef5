import {
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
} from 'graphql'
import { z } from 'zod'
import type { CostLimits, ItemsOf } from '../gateway/operation.ts'
import { DEFAULT_PAGE, MAX_PAGE } from './lists.ts'

/** Extensions with which a field declares how many items it has. */
export interface ListExtensions {
  /**
   * Returns how many items the lists inside the answer have, from the arguments. Those lists are
   * marked as `counted`.
   */
  items?: (args: Record<string, unknown>) => number
  /** The items are counted where the object around the list is. */
  counted?: true
  /** Limits the value, in the contracts too. */
  rules?: z.ZodType
}

/** Limits of the cost of one operation. */
export function costLimits(complexity: number, rootFields: number): CostLimits {
  return { complexity, depth: 12, breadth: 1_000, rootFields, itemsOf }
}

/** Fields whose number of items is known, by definition. */
const known = new WeakMap<object, ReturnType<ItemsOf>>()

/**
 * Returns how many items a field can have: what the arguments ask for, or the maximum that it
 * declares. Lists of scalars count as one field: only their bytes are limited.
 */
export const itemsOf: ItemsOf = (field) => {
  const items = known.get(field) ?? readItems(field)
  known.set(field, items)
  return items
}

function readItems({ args, type, extensions }: GraphQLField<unknown, unknown>): ReturnType<ItemsOf> {
  const { items, counted, rules } = extensions as ListExtensions
  if (items) return items
  if (counted) return 1
  const isList = isListType(getNullableType(type))
  const max = (isList && maxItems(rules)) || MAX_PAGE
  if (args.some((arg) => arg.name === 'first')) {
    // A page that is too large is refused by the field itself.
    return ({ first, last }) => Math.min(Number(first ?? last ?? DEFAULT_PAGE), max)
  }
  return isList && !isLeafType(getNamedType(type)) ? max : 1
}

function maxItems(rules: z.ZodType | undefined): number | undefined {
  return rules && z.toJSONSchema(rules, { io: 'input', unrepresentable: 'any' }).maxItems
}

/** Throws if a list of objects does not declare how many items it can have. */
export function requireBoundedLists(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      if (!isListType(getNullableType(field.type)) || isLeafType(getNamedType(field.type))) continue
      const { counted, rules } = field.extensions as ListExtensions
      if (counted || maxItems(rules) !== undefined) continue
      throw new Error(
        `${type.name}.${field.name} is a list without a maximum. Declare extensions: { rules: z.array(…).max(…) }`,
      )
    }
  }
  return schema
}
