import { Prisma } from '../../generated/prisma/client.ts'
import type { TaskFilterValues } from './input.ts'

/** The SQL of a filter on "Task". Deleted tasks are never found. */
export function taskCondition(filter: TaskFilterValues, ...further: (Prisma.Sql | undefined)[]): Prisma.Sql {
  const { status, priority, projectId } = filter
  const terms = [
    Prisma.sql`"Task"."deletedAt" IS NULL`,
    projectId && Prisma.sql`"Task"."projectId" = ${projectId}::uuid`,
    status && Prisma.sql`"Task"."status" = ANY(${status}::"TaskStatus"[])`,
    priority?.in && Prisma.sql`"Task"."priority" = ANY(${priority.in}::smallint[])`,
    priority?.gte != null && Prisma.sql`"Task"."priority" >= ${priority.gte}::smallint`,
    priority?.lte != null && Prisma.sql`"Task"."priority" <= ${priority.lte}::smallint`,
    ...further,
  ].filter((term) => term instanceof Prisma.Sql)
  return Prisma.join(terms, ' AND ')
}
