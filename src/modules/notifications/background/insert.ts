import type { Database } from '../../../database/client.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { DeliveryChannel, NotificationKind } from '../../../generated/prisma/enums.ts'

/** A notification to make, if the recipient may have it. */
export interface Wanted {
  id: string
  recipientId: string
  kind: NotificationKind
  /** Unique per recipient and kind: see Notification.cause. */
  cause: string
  actorId?: string | null
  taskId?: string
  commentId?: string
  eventPosition?: string
  message?: string
  dueAt?: string
}

/**
 * Makes the notifications, and their deliveries by the channels that this server has. Leaves out
 * those that exist, those about what the recipient cannot see, and those that they have turned off.
 * Returns how many it made.
 */
export async function insertNotifications(
  tx: Pick<Database, '$queryRaw'>,
  wanted: readonly Wanted[],
  channels: readonly DeliveryChannel[],
): Promise<number> {
  if (wanted.length === 0) return 0
  const [email, push] = [channels.includes('EMAIL'), channels.includes('PUSH')]
  const [row] = await tx.$queryRaw<{ count: number }[]>`
    WITH wanted AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) AS (
        "id" uuid, "recipientId" uuid, "kind" "NotificationKind", "cause" text, "actorId" uuid, "taskId" uuid,
        "commentId" uuid, "eventPosition" bigint, "message" text, "dueAt" timestamptz)
    ), allowed AS (
      SELECT wanted.*, actor."id" AS "knownActorId",
        wanted."kind" <> ALL (coalesce(own."notShown", '{}')) AS "shown",
        ${email} AND wanted."kind" <> ALL (coalesce(own."notEmailed", '{}')) AS "emailed",
        ${push} AND own."pushUrl" IS NOT NULL AND wanted."kind" <> ALL (own."notPushed") AS "pushed"
      FROM wanted JOIN "User" AS recipient ON recipient."id" = wanted."recipientId" AND recipient."disabledAt" IS NULL
      LEFT JOIN "NotificationSettings" AS own ON own."userId" = recipient."id"
      LEFT JOIN "User" AS actor ON actor."id" = wanted."actorId"
      LEFT JOIN "Task" AS task ON task."id" = wanted."taskId"
      LEFT JOIN "Comment" AS comment ON comment."id" = wanted."commentId"
      WHERE (wanted."commentId" IS NULL OR comment."id" IS NOT NULL) AND (wanted."taskId" IS NULL OR ${SEES_TASK})
    ), made AS (
      INSERT INTO "Notification" ("id", "recipientId", "kind", "cause", "inProduct", "actorId", "taskId", "commentId", "eventPosition", "message", "dueAt", "createdAt")
      SELECT "id", "recipientId", "kind", "cause", "shown", "knownActorId", "taskId", "commentId", "eventPosition", "message", "dueAt", date_trunc('milliseconds', clock_timestamp())
      FROM allowed WHERE "shown" OR "emailed" OR "pushed"
      ON CONFLICT ("recipientId", "kind", "cause") DO NOTHING RETURNING "id"
    ), queued AS (
      INSERT INTO "Delivery" ("notificationId", "channel")
      SELECT made."id", channel."name"::"DeliveryChannel" FROM made JOIN allowed USING ("id")
      CROSS JOIN LATERAL (VALUES ('EMAIL', allowed."emailed"), ('PUSH', allowed."pushed")) AS channel("name", "isOn")
      WHERE channel."isOn"
    )
    SELECT count(*)::int AS count FROM made`
  return row?.count ?? 0
}

/** Condition on the tables "task" and "recipient": the recipient sees the task. */
export const SEES_TASK = Prisma.sql`task."deletedAt" IS NULL AND task."id" IS NOT NULL AND (recipient."role" = 'ADMIN' OR EXISTS (
  SELECT FROM "Membership" AS own WHERE own."projectId" = task."projectId" AND own."userId" = recipient."id"))`
