import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../../database/client.ts'
import type { LoggedEvent } from '../../../events/log.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import { DUE_OR_NEVER } from '../../tasks/filter/due.ts'
import { endOfDay } from '../../users/time-zone-service.ts'
import type { Wanted } from './insert.ts'

/**
 * How far the clock has come: everybody has been reminded of the tasks that are due up to then, the
 * last one being this task. Absolute times of the database's clock, so that no time zone matters.
 */
export interface ClockState {
  dueAt: string
  taskId: string
}

const OPEN: readonly unknown[] = ['PENDING', 'IN_PROGRESS']

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

type Reads = Pick<Database, '$queryRaw'>

interface Reminder {
  taskId: string
  dueAt: string
  /** The day, for a task that is due on one. It names the cause: who moves is not reminded again. */
  dueOn?: string | null
  recipientIds: readonly string[]
}

/** Reminds people. Nobody twice of one due time or day. */
function remind({ taskId, dueAt, dueOn, recipientIds }: Reminder): Wanted[] {
  return recipientIds.map((recipientId) => ({
    id: uuidv7(),
    recipientId,
    kind: 'DUE_SOON' as const,
    cause: `due:${taskId}:${dueOn ?? dueAt}`,
    taskId,
    dueAt,
  }))
}

/** Returns the reminders of changes to tasks whose time the clock has already passed. */
export async function dueSoon(db: Reads, events: readonly LoggedEvent[], remindedUntil: Date): Promise<Wanted[]> {
  const open = events.flatMap(({ subjectId: taskId, state, at, position, type }) => {
    const { dueAt, dueOn, status, deletedAt, assigneeIds, creatorId } = state ?? {}
    if (!type.startsWith('task.') || deletedAt != null || !OPEN.includes(status)) return []
    const assigned = (assigneeIds ?? []) as string[]
    // The assignees, or the creator if nobody is assigned.
    const recipientIds = assigned.length > 0 ? assigned : typeof creatorId === 'string' ? [creatorId] : []
    return [{ taskId, dueAt, dueOn, recipientIds, at, position: String(position) }]
  })
  const zones = await zonesOf(
    db,
    open.flatMap(({ dueOn, recipientIds }) => (dueOn == null ? [] : recipientIds)),
  )
  return open.flatMap(({ taskId, dueAt, dueOn, recipientIds, at, position }) =>
    recipientIds.flatMap((recipientId) => {
      const day = typeof dueOn === 'string' ? dueOn.slice(0, 10) : null
      if (day === null && typeof dueAt !== 'string') return []
      const due = day === null ? new Date(String(dueAt)) : endOfDay(day, zones.get(recipientId) ?? 'UTC')
      // Due in the past when it was written: too late to remind.
      if (due > remindedUntil || due <= at) return []
      const reminders = remind({ taskId, dueAt: due.toISOString(), dueOn: day, recipientIds: [recipientId] })
      return reminders.map((one) => ({ ...one, eventPosition: position }))
    }),
  )
}

async function zonesOf(db: Reads, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const users = await db.$queryRaw<{ id: string; timeZone: string }[]>`
    SELECT "id"::text, "timeZone" FROM "User" WHERE "id" = ANY(${[...new Set(ids)]}::uuid[])`
  return new Map(users.map(({ id, timeZone }) => [id, timeZone]))
}

interface DueTask {
  id: string
  due: Date
  dueOn: string | null
  recipientIds: string[]
}

const OPEN_TASK = Prisma.sql`"Task"."deletedAt" IS NULL AND "Task"."status" IN ('PENDING', 'IN_PROGRESS')`

const RECIPIENTS = Prisma.sql`CASE WHEN "Task"."assigneeIds" = '{}' THEN array_remove(ARRAY["Task"."creatorId"], NULL)
  ELSE "Task"."assigneeIds" END`

/** Open tasks due on a day that may end in this time for somebody, with each recipient. */
const dayTasks = (after: string, horizon: Date) => Prisma.sql`"Task"
  CROSS JOIN LATERAL unnest(${RECIPIENTS}) AS own("userId") JOIN "User" AS person ON person."id" = own."userId"
  WHERE ${OPEN_TASK} AND "Task"."dueOn" IS NOT NULL
    AND ${DUE_OR_NEVER} > ${after}::timestamptz - interval '1 day'
    AND ${DUE_OR_NEVER} <= ${horizon}::timestamptz + interval '1 day'`

/**
 * Returns the reminders of up to `limit` due times that are within `leadMinutes` from now and come
 * after `state`, with the next state. `done` is false if there may be more. A day ends for each
 * recipient in their own time zone.
 */
export async function dueTasks(
  db: Reads,
  { dueAt, taskId }: ClockState,
  { leadMinutes, limit }: { leadMinutes: number; limit: number },
): Promise<{ wanted: Wanted[]; state: ClockState; done: boolean }> {
  const [clock] = await db.$queryRaw<{ horizon: Date }[]>`
    SELECT greatest(${dueAt}::timestamptz, date_trunc('milliseconds', now() + ${leadMinutes}::int * interval '1 minute')) AS horizon`
  if (!clock) throw new Error('the database has no clock')
  const { horizon } = clock
  const days = await db.$queryRaw<{ day: string; zone: string }[]>`
    SELECT DISTINCT "Task"."dueOn"::text AS day, person."timeZone" AS zone FROM ${dayTasks(dueAt, horizon)}`
  // By Intl, which has checked the names: the database may not know all of them.
  const ends = days
    .map(({ day, zone }) => ({ day, zone, due: endOfDay(day, zone) }))
    .filter(({ due }) => due >= new Date(dueAt) && due <= horizon)
  const tasks = await db.$queryRaw<DueTask[]>`
    SELECT "id"::text, "due", "dueOn"::text, "recipientIds"::text[] FROM (
      (SELECT "Task"."id", "Task"."dueAt" AS "due", NULL::date AS "dueOn", ${RECIPIENTS} AS "recipientIds" FROM "Task"
      WHERE ${OPEN_TASK} AND "Task"."dueAt" IS NOT NULL
        AND (${DUE_OR_NEVER}, "Task"."id") > (${dueAt}::timestamptz, ${taskId}::uuid)
        AND ${DUE_OR_NEVER} <= ${horizon}::timestamptz
      ORDER BY ${DUE_OR_NEVER}, "Task"."id" LIMIT ${limit}::int)
      ${ends.length === 0 ? Prisma.empty : endedDays(ends, { dueAt, taskId }, horizon)}
    ) AS task ORDER BY "due", "id" LIMIT ${limit}::int`
  const wanted = tasks.flatMap(({ id, due, dueOn, recipientIds }) =>
    remind({ taskId: id, dueAt: due.toISOString(), dueOn, recipientIds }),
  )
  const last = tasks.at(-1)
  const done = tasks.length < limit || !last
  const state = done
    ? { dueAt: horizon.toISOString(), taskId: LAST_ID }
    : { dueAt: last.due.toISOString(), taskId: last.id }
  return { wanted, state, done }
}

/** One row for each task and end of its day. */
const endedDays = (ends: readonly object[], { dueAt, taskId }: ClockState, horizon: Date) => Prisma.sql`
  UNION ALL SELECT asked."id", ended."due", asked."dueOn", array_agg(asked."userId")
  FROM (SELECT "Task"."id", "Task"."dueOn", own."userId", person."timeZone" FROM ${dayTasks(dueAt, horizon)}) AS asked
  JOIN jsonb_to_recordset(${JSON.stringify(ends)}::jsonb) AS ended("day" date, "zone" text, "due" timestamptz)
    ON ended."day" = asked."dueOn" AND ended."zone" = asked."timeZone"
  WHERE (ended."due", asked."id") > (${dueAt}::timestamptz, ${taskId}::uuid)
  GROUP BY asked."id", ended."due", asked."dueOn"`
