import type { Database } from '../../../database/client.ts'

/** The comments of a task before this many are not searched for people to tell. */
const RECENT_COMMENTS = 100

export interface Discussion {
  taskId: string
  authorId: string | null
  /** Assignees and creator of the task, and the authors of recent comments before. */
  peopleIds: string[]
}

/** Returns what these comments are part of, by id. A deleted comment is left out. */
export async function readDiscussions(
  db: Pick<Database, '$queryRaw'>,
  commentIds: readonly string[],
): Promise<Map<string, Discussion>> {
  if (commentIds.length === 0) return new Map()
  const rows = await db.$queryRaw<({ id: string } & Discussion)[]>`
    SELECT c."id"::text, c."taskId"::text, c."authorId"::text, ARRAY(
      SELECT unnest(t."assigneeIds")::text UNION SELECT t."creatorId"::text WHERE t."creatorId" IS NOT NULL
      UNION SELECT earlier."authorId"::text FROM (
        SELECT e."authorId" FROM "Comment" AS e
        WHERE e."taskId" = c."taskId" AND (e."createdAt", e."id") < (c."createdAt", c."id")
        ORDER BY e."createdAt" DESC, e."id" DESC LIMIT ${RECENT_COMMENTS}::int) AS earlier
      WHERE earlier."authorId" IS NOT NULL) AS "peopleIds"
    FROM "Comment" AS c JOIN "Task" AS t ON t."id" = c."taskId" WHERE c."id" = ANY (${[...new Set(commentIds)]}::uuid[])`
  return new Map(rows.map(({ id, ...discussion }) => [id, discussion]))
}
