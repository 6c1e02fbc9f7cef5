import type { Database } from '../../../database/client.ts'
import type { LoggedEvent } from '../../../events/log.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import { NOTICE_REQUESTED } from '../request-service.ts'

/** The events that can notify somebody, with the changes of which each is relevant for one of them. */
const RELEVANT: Readonly<Record<string, readonly string[] | undefined>> = {
  'task.created': ['assigneeIds', 'dueAt'],
  'task.updated': ['assigneeIds', 'dueAt', 'status'],
  'task.restored': undefined,
  'comment.created': undefined,
  'comment.updated': ['mentionIds'],
  [NOTICE_REQUESTED]: undefined,
}

/** Returns true if an event can notify somebody. */
export function isRelevant({ type, changes }: Pick<LoggedEvent, 'type' | 'changes'>): boolean {
  if (!Object.hasOwn(RELEVANT, type)) return false
  return RELEVANT[type]?.some((field) => field in changes) ?? true
}

const condition = Prisma.join(
  Object.entries(RELEVANT).map(([type, fields]) =>
    fields ? Prisma.sql`("type" = ${type} AND "changes" ?| ${[...fields]}::text[])` : Prisma.sql`"type" = ${type}`,
  ),
  ' OR ',
)

/** Reads the relevant events in a part of the log, in its order. */
export async function readRelevant(
  db: Pick<Database, '$queryRaw'>,
  { after, until, limit }: { after: bigint; until: bigint; limit: number },
): Promise<LoggedEvent[]> {
  return db.$queryRaw<LoggedEvent[]>`
    SELECT "position", "type", "projectId"::text, "subjectId"::text, "actorId"::text, "version", "changes", "state", "at"
    FROM "Event" WHERE "position" > ${after} AND "position" <= ${until} AND (${condition})
    ORDER BY "position" LIMIT ${limit}::int`
}
