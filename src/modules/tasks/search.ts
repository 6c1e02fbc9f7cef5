import type { Viewer } from '../../context.ts'
import { type OrderTerm, readCursor } from '../../database/keyset.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { ListSource, PageArguments } from '../../pagination.ts'
import { visibleProjectsSql } from '../projects/policy.ts'
import { type ResolvedFilter, searchQuery, taskCondition } from './filter.ts'
import type { TaskRow } from './list.ts'

/** Ranking reads every match: beyond so many, the newest. */
export const MOST_RANKED = 10_000

interface RankedList {
  viewer: Viewer
  filter: ResolvedFilter
  order: readonly OrderTerm[]
  page: PageArguments
}

/**
 * Where a search in order of relevance is read from: the newest matches, ranked. Its cursors carry what was newest on the first
 * page, as tasks that come later must not push others off the end of the ranked ones between two pages.
 */
export function rankedSource({ viewer, filter, order, page }: RankedList): Omit<ListSource<TaskRow>, 'table' | 'load'> {
  const { search, projectId } = filter.values
  const visible = projectId == null ? visibleProjectsSql(viewer, Prisma.sql`"Task"."projectId"`) : undefined
  const query = searchQuery(search ?? '', filter)
  const horizon: OrderTerm = {
    name: 'until',
    expression: Prisma.sql`"Task"."until"`,
    type: 'timestamptz',
    direction: order[0]?.direction ?? 'desc',
  }
  const terms = [horizon, ...order]
  const until = readCursor(page, { name: 'Task', order: terms })?.[0]
  const where = taskCondition(filter, visible)
  const matches = Prisma.sql`
    SELECT "Task"."id", "Task"."createdAt", "Task"."updatedAt", "Task"."dueAt", "Task"."priority", "Task"."title", "Task"."number",
      ts_rank(text."words", ${query}, 1) AS "relevance"
    FROM "Task" JOIN "TaskSearch" AS text ON text."taskId" = "Task"."id" AND text."words" @@ ${query}
    WHERE ${where} ${until === undefined ? Prisma.empty : Prisma.sql`AND "Task"."createdAt" <= ${until}::timestamptz`}
    ORDER BY "Task"."createdAt" DESC, "Task"."id" DESC LIMIT ${MOST_RANKED + 1}`
  const newest = until === undefined ? Prisma.sql`max("createdAt") OVER ()` : Prisma.sql`${until}::timestamptz`
  return {
    from: Prisma.sql`(
      SELECT *, ${newest} AS "until", count(*) OVER () > ${MOST_RANKED} AS "cut",
        row_number() OVER (ORDER BY "createdAt" DESC, "id" DESC) AS "place"
      FROM (${matches}) AS match
    ) AS "Task"`,
    id: Prisma.sql`"Task"."id"`,
    where: Prisma.sql`"Task"."place" <= ${MOST_RANKED}`,
    order: terms,
    remark: Prisma.sql`"Task"."cut"`,
    counted: { from: Prisma.sql`"Task"`, where },
  }
}
