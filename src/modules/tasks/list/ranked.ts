import type { Viewer } from '../../../auth/viewer.ts'
import { readCursor } from '../../../database/keyset.ts'
import type { OrderTerm } from '../../../database/row-order.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { PageArguments } from '../../../schema/lists.ts'
import type { ResolvedFilter } from '../filter/resolve.ts'
import { taskCondition } from '../filter/sql.ts'
import { searchedProjects, wordsMatch } from '../filter/words.ts'
import type { TaskSource } from './source.ts'

/** Ranking reads every match, so a search ranks at most this many, the newest. */
export const MAX_RANKED = 10_000

interface RankedList {
  viewer: Viewer
  filter: ResolvedFilter
  order: readonly OrderTerm[]
  page: PageArguments
}

/**
 * Reads a search in order of relevance: the newest matches, ranked. Its cursors contain the
 * creation time of the newest match on the first page, so that tasks created later do not push
 * others out of the ranked set between two pages.
 */
export function rankedSource({ viewer, filter, order, page }: RankedList): TaskSource {
  const { search = '', projectId: _, ...others } = filter.values
  const horizon: OrderTerm = {
    name: 'until',
    expression: Prisma.sql`"Task"."until"`,
    type: 'timestamptz',
    direction: order[0]?.direction ?? 'desc',
  }
  const terms = [horizon, ...order]
  const until = readCursor(page, { name: 'Task', order: terms })?.[0]
  // A search for words alone needs no columns of "Task".
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
    SELECT text."taskId" AS "id", text."createdAt", ${relevance(search)} AS "relevance"
      ${alone ? Prisma.empty : Prisma.sql`, "Task"."updatedAt", "Task"."dueAt", "Task"."dueOn", "Task"."priority", "Task"."title", "Task"."number", "Task"."rank"`}
    FROM ${from} WHERE ${where} ORDER BY text."createdAt" DESC, text."taskId" DESC LIMIT ${MAX_RANKED + 1}`
  const newest = until === undefined ? Prisma.sql`max("createdAt") OVER ()` : Prisma.sql`${until}::timestamptz`
  return {
    from: Prisma.sql`(
      SELECT *, ${newest} AS "until", count(*) OVER () > ${MAX_RANKED} AS "cut",
        row_number() OVER (ORDER BY "createdAt" DESC, "id" DESC) AS "place"
      FROM (${matches}) AS match
    ) AS "Task"`,
    hasColumns: false,
    id: Prisma.sql`"Task"."id"`,
    where: Prisma.sql`"Task"."place" <= ${MAX_RANKED}`,
    order: terms,
    planDependsOnValues: true,
    remark: Prisma.sql`"Task"."cut"`,
    counted: () => ({ from, where }),
  }
}

/** Puts tasks that contain the text as written before all others. ts_rank is below 1. */
const relevance = (search: string | null | undefined) => Prisma.sql`
  (ts_rank(text."words", search_query(${search}), 1) + (text."words" @@ literal_query(${search}))::int)::real`

/** Checks for a filter by words and at most a project, which are both in the search table. */
function isPlainSearch({ values }: ResolvedFilter): boolean {
  const { search, projectId, deleted, ...rest } = values
  return search != null && Object.values(rest).every((condition) => condition == null)
}
