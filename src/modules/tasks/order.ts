import type { OrderTerm } from '../../database/keyset.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { byTime } from '../../pagination.ts'

export const TASK_ORDER_FIELDS = [
  'CREATED_AT',
  'UPDATED_AT',
  'DUE_AT',
  'PRIORITY',
  'TITLE',
  'NUMBER',
  'RELEVANCE',
] as const

export type TaskOrderField = (typeof TASK_ORDER_FIELDS)[number]

export interface TaskOrderValue {
  field: TaskOrderField
  direction: 'ASC' | 'DESC'
}

/** What each order sorts by, as the indexes have it. A task without a due date comes last in both directions. */
export function taskOrder(orderBy: readonly TaskOrderValue[]): OrderTerm[] {
  const mixed = orderBy.some((term) => term.direction !== orderBy[0]?.direction)
  return orderBy.map((term, index) => taskOrderTerm(term, mixed && index === 0))
}

/** `leadsOtherWay`: the first term, of which the second goes the other way. */
function taskOrderTerm({ field, direction: way }: TaskOrderValue, leadsOtherWay: boolean): OrderTerm {
  const direction = way === 'ASC' ? 'asc' : 'desc'
  switch (field) {
    case 'CREATED_AT':
      return byTime('createdAt', direction, 'Task')
    case 'UPDATED_AT':
      return byTime('updatedAt', direction, 'Task')
    case 'DUE_AT': {
      const expression =
        direction === 'asc'
          ? Prisma.sql`COALESCE("Task"."dueAt", 'infinity'::timestamptz)`
          : Prisma.sql`COALESCE("Task"."dueAt", '-infinity'::timestamptz)`
      return { name: 'dueAt', expression, type: 'timestamptz', direction }
    }
    case 'PRIORITY':
      // Turned round, it goes the way of the other term: a row comparison, and with it an index, then finds the place of a page.
      return leadsOtherWay
        ? {
            name: '-priority',
            expression: Prisma.sql`(-"Task"."priority")`,
            type: 'integer',
            direction: direction === 'asc' ? 'desc' : 'asc',
          }
        : { name: 'priority', expression: Prisma.sql`"Task"."priority"`, type: 'integer', direction }
    case 'TITLE':
      // By code point: the same in every database, whatever its collation.
      return { name: 'title', expression: Prisma.sql`"Task"."title" COLLATE "C"`, type: 'text', direction }
    case 'NUMBER':
      return { name: 'number', expression: Prisma.sql`"Task"."number"`, type: 'integer', direction }
    case 'RELEVANCE':
      return { name: 'relevance', expression: Prisma.sql`"Task"."relevance"`, type: 'real', direction }
    default:
      return field satisfies never
  }
}
