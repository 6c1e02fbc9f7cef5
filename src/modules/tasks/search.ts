import type { Viewer } from '../../context.ts'
import { type OrderTerm, readCursor } from '../../database/keyset.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { ListSource, PageArguments } from '../../pagination.ts'
import { isPlainSearch, type ResolvedFilter, searchedProjects, taskCondition, wordsMatch } from './filter.ts'
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
  const { search = '', projectId: _, ...others } = filter.values
  const horizon: OrderTerm = {
    name: 'until',
    expression: Prisma.sql`"Task"."until"`,
    type: 'timestamptz',
    direction: order[0]?.direction ?? 'desc',
  }
  const terms = [horizon, ...order]
  const until = readCursor(page, { name: 'Task', order: terms })?.[0]
  // A search for words alone needs nothing of the tasks themselves.
  const alone = order.length === 1 && isPlainSearch(filter)
  const rest = { ...filter, values: { ...others, search: null } }
  const conditions = [
    wordsMatch(search ?? '', filter),
    Prisma.sql`text."live" = ${!filter.deleted}`,
    searchedProjects(viewer, filter, Prisma.sql`text."projectId"`),
    until === undefined ? undefined : Prisma.sql`text."createdAt" <= ${until}::timestamptz`,
    alone ? undefined : taskCondition(rest),
  ].filter((one) => one !== undefined)
  const where = Prisma.join(conditions, ' AND ')
  const from = alone
    ? Prisma.sql`"TaskSearch" AS text`
    : Prisma.sql`"TaskSearch" AS text JOIN "Task" ON "Task"."id" = text."taskId"`
  const matches = Prisma.sql`
    SELECT text."taskId" AS "id", text."createdAt", ts_rank(text."words", search_query(${search}), 1) AS "relevance"
      ${alone ? Prisma.empty : Prisma.sql`, "Task"."updatedAt", "Task"."dueAt", "Task"."priority", "Task"."title", "Task"."number"`}
    FROM ${from} WHERE ${where} ORDER BY text."createdAt" DESC, text."taskId" DESC LIMIT ${MOST_RANKED + 1}`
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
    valuesDecide: true,
    remark: Prisma.sql`"Task"."cut"`,
    counted: { from, where },
  }
}
