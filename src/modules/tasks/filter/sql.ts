import { Prisma } from '../../../generated/prisma/client.ts'
import { type Condition, every, type FilterScope } from './field-definition.ts'
import { givenFields, type TaskFilterValues } from './fields.ts'
import type { ResolvedFilter } from './resolve.ts'

/** The WHERE clause of a filter on "Task". */
export function taskCondition(filter: ResolvedFilter, ...further: (Prisma.Sql | undefined)[]): Prisma.Sql {
  return every([
    filter.deleted ? Prisma.sql`"Task"."deletedAt" IS NOT NULL` : Prisma.sql`"Task"."deletedAt" IS NULL`,
    ...conditions(filter.values, filter),
    ...further,
  ])
}

function conditions(filter: TaskFilterValues, scope: FilterScope): Condition[] {
  const { and, or, not } = filter
  const nested = (one: TaskFilterValues) => Prisma.sql`(${every(conditions(one, scope))})`
  const stated = givenFields(filter)
  // The project first, as most indexes begin with it.
  stated.sort((a, b) => Number(b.name === 'projectId') - Number(a.name === 'projectId'))
  return [
    ...stated.flatMap(({ field, value }) => field.sql(value, scope, filter)),
    ...(and ?? []).map(nested),
    or && Prisma.sql`(${Prisma.join(or.map(nested), ' OR ')})`,
    // NOT would drop rows where the condition is NULL, such as tasks without a due date.
    not && Prisma.sql`${nested(not)} IS NOT TRUE`,
  ]
}
