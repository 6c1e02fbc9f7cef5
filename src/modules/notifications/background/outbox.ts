import type { Database } from '../../../database/client.ts'
import type { DeliveryChannel } from '../../../generated/prisma/enums.ts'
import { SEES_TASK } from './insert.ts'
import type { Told } from './message.ts'

/** A delivery whose time has come, with what it says. */
export interface DueDelivery extends Told {
  id: string
  email: string
  pushUrl: string | null
  attempts: number
  /** Time since the notification was made, in milliseconds. */
  age: number
  /** False if the recipient is disabled or no longer sees the task. */
  allowed: boolean
}

/** Reads deliveries whose time has come, but for these. */
export async function readDue(
  db: Pick<Database, '$queryRaw'>,
  { channel, except, limit }: { channel: DeliveryChannel; except: readonly string[]; limit: number },
): Promise<DueDelivery[]> {
  return db.$queryRaw<DueDelivery[]>`
    SELECT n."id"::text, n."kind"::text, n."message", n."dueAt", waiting."attempts", recipient."email", settings."pushUrl",
      (extract(epoch FROM clock_timestamp() - n."createdAt") * 1000)::float8 AS age, actor."name" AS "actorName",
      task."key" AS "taskKey", task."title" AS "taskTitle", project."name" AS "projectName", comment."body" AS "commentBody",
      recipient."disabledAt" IS NULL AND (n."taskId" IS NULL OR ${SEES_TASK}) AS allowed
    FROM (SELECT * FROM "Delivery" WHERE "channel" = ${channel}::"DeliveryChannel" AND "sentAt" IS NULL AND "failedAt" IS NULL
        AND "nextAttemptAt" <= clock_timestamp() AND "notificationId" <> ALL (${[...except]}::uuid[])
        ORDER BY "nextAttemptAt" LIMIT ${limit}::int) AS waiting
    JOIN "Notification" AS n ON n."id" = waiting."notificationId"
    JOIN "User" AS recipient ON recipient."id" = n."recipientId"
    LEFT JOIN "NotificationSettings" AS settings ON settings."userId" = recipient."id"
    LEFT JOIN "User" AS actor ON actor."id" = n."actorId"
    LEFT JOIN "Task" AS task ON task."id" = n."taskId"
    LEFT JOIN "Project" AS project ON project."id" = task."projectId"
    LEFT JOIN "Comment" AS comment ON comment."id" = n."commentId"`
}

export type Outcome = { sent: true } | { error: string; retryMs: number } | { error: string; givenUp: true }

/** Maximum length of an error that is kept. */
const MAX_ERROR = 500

/** Stores the outcome of an attempt. */
export async function storeOutcome(
  db: Pick<Database, '$executeRaw'>,
  { id, channel }: { id: string; channel: DeliveryChannel },
  outcome: Outcome,
): Promise<void> {
  const sent = 'sent' in outcome
  const givenUp = 'givenUp' in outcome
  const error = sent ? null : outcome.error.replaceAll('\u0000', '').slice(0, MAX_ERROR)
  const retryMs = 'retryMs' in outcome ? outcome.retryMs : 0
  await db.$executeRaw`
    UPDATE "Delivery" SET "attempts" = "attempts" + 1, "lastError" = ${error},
      "nextAttemptAt" = clock_timestamp() + ${retryMs}::float8 * interval '1 ms',
      "sentAt" = CASE WHEN ${sent} THEN clock_timestamp() END, "failedAt" = CASE WHEN ${givenUp} THEN clock_timestamp() END
    WHERE "notificationId" = ${id}::uuid AND "channel" = ${channel}::"DeliveryChannel" AND "sentAt" IS NULL`
}
