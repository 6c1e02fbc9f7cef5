import type { OrderTerm } from '../../database/keyset.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import { byTime } from '../../pagination.ts'

export const TASK_ORDER_FIELDS = ['CREATED_AT', 'UPDATED_AT', 'DUE_AT', 'PRIORITY', 'TITLE'] as const

export interface TaskOrderValue {
  field: (typeof TASK_ORDER_FIELDS)[number]
  direction: 'ASC' | 'DESC'
}

/** What each order sorts by. A task without a due date comes last in both directions. */
export function taskOrder(orderBy: readonly TaskOrderValue[] | null | undefined): OrderTerm[] {
  const wanted = orderBy?.length ? orderBy : [{ field: 'CREATED_AT', direction: 'ASC' } as const]
  return wanted.map(({ field, direction: way }): OrderTerm => {
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
        return { name: 'priority', expression: Prisma.sql`"Task"."priority"`, type: 'integer', direction }
      case 'TITLE':
        return { name: 'title', expression: Prisma.sql`"Task"."title"`, type: 'text', direction }
      default:
        return field satisfies never
    }
  })
}
