import type { OrderTerm } from '../../../database/row-order.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import { byTime } from '../../../schema/lists.ts'
import { dueOrLast } from '../filter/due.ts'

export const TASK_ORDER_FIELDS = [
  'CREATED_AT',
  'UPDATED_AT',
  'DUE_AT',
  'PRIORITY',
  'TITLE',
  'NUMBER',
  'RANK',
  'RELEVANCE',
] as const

export type TaskOrderField = (typeof TASK_ORDER_FIELDS)[number]

export interface TaskOrderValue {
  field: TaskOrderField
  direction: 'ASC' | 'DESC'
}

/**
 * Returns the indexed expressions of an order. Tasks without a due date come last
 * in both directions.
 */
export function taskOrder(orderBy: readonly TaskOrderValue[]): OrderTerm[] {
  const mixed = orderBy.some((term) => term.direction !== orderBy[0]?.direction)
  return orderBy.map((term, index) => taskOrderTerm(term, mixed && index === 0))
}

/** `negatable` is set on a first term that is followed by one of the opposite direction. */
function taskOrderTerm({ field, direction: way }: TaskOrderValue, negatable: boolean): OrderTerm {
  const direction = way === 'ASC' ? 'asc' : 'desc'
  switch (field) {
    case 'CREATED_AT':
      return byTime('createdAt', direction, 'Task')
    case 'UPDATED_AT':
      return byTime('updatedAt', direction, 'Task')
    case 'DUE_AT':
      return { name: 'dueAt', expression: dueOrLast(direction), type: 'timestamptz', direction }
    case 'PRIORITY':
      // Negated, it has the direction of the second term, so one row comparison finds the page in
      // an index.
      return negatable
        ? {
            name: '-priority',
            expression: Prisma.sql`(-"Task"."priority")`,
            type: 'integer',
            direction: direction === 'asc' ? 'desc' : 'asc',
          }
        : { name: 'priority', expression: Prisma.sql`"Task"."priority"`, type: 'integer', direction }
    case 'TITLE':
      // Collation "C" sorts by code point, the same in every database.
      return { name: 'title', expression: Prisma.sql`"Task"."title" COLLATE "C"`, type: 'text', direction }
    case 'NUMBER':
      return { name: 'number', expression: Prisma.sql`"Task"."number"`, type: 'integer', direction }
    case 'RANK':
      return { name: 'rank', expression: Prisma.sql`"Task"."rank" COLLATE "C"`, type: 'text', direction }
    case 'RELEVANCE':
      return { name: 'relevance', expression: Prisma.sql`"Task"."relevance"`, type: 'real', direction }
    default:
      return field satisfies never
  }
}
