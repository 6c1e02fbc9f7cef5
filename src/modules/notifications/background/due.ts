import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../../../database/client.ts'
import type { LoggedEvent } from '../../../events/log.ts'
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

/** Reminds the assignees, or the creator if nobody is assigned. Nobody twice of one due time. */
function remind(taskId: string, dueAt: string, assigneeIds: readonly string[], creatorId: string | null): Wanted[] {
  const recipients = assigneeIds.length > 0 ? assigneeIds : creatorId === null ? [] : [creatorId]
  return recipients.map((recipientId) => ({
    id: uuidv7(),
    recipientId,
    kind: 'DUE_SOON' as const,
    cause: `due:${taskId}:${dueAt}`,
    taskId,
    dueAt,
  }))
}

/** Returns the reminders of a change to a task whose time the clock has already passed. */
export function dueSoon({ subjectId, state, at, position }: LoggedEvent, remindedUntil: Date): Wanted[] {
  const { dueAt, status, deletedAt, assigneeIds, creatorId } = state ?? {}
  if (typeof dueAt !== 'string' || deletedAt != null || !OPEN.includes(status)) return []
  const due = new Date(dueAt)
  // Due in the past when it was written: too late to remind.
  if (due > remindedUntil || due <= at) return []
  const reminders = remind(subjectId, due.toISOString(), (assigneeIds ?? []) as string[], creatorId as string | null)
  return reminders.map((one) => ({ ...one, eventPosition: String(position) }))
}

interface DueTask {
  id: string
  dueAt: Date
  assigneeIds: string[]
  creatorId: string | null
}

/**
 * Returns the reminders of up to `limit` tasks that are due within `leadMinutes` from now and come
 * after `state`, with the next state. `done` is false if there may be more.
 */
export async function dueTasks(
  db: Pick<Database, '$queryRaw'>,
  { dueAt, taskId }: ClockState,
  { leadMinutes, limit }: { leadMinutes: number; limit: number },
): Promise<{ wanted: Wanted[]; state: ClockState; done: boolean }> {
  const [clock] = await db.$queryRaw<{ horizon: Date }[]>`
    SELECT greatest(${dueAt}::timestamptz, date_trunc('milliseconds', now() + ${leadMinutes}::int * interval '1 minute')) AS horizon`
  if (!clock) throw new Error('the database has no clock')
  // The expression is that of the index Task_open_dueAt.
  const tasks = await db.$queryRaw<DueTask[]>`
    SELECT "id"::text, "dueAt", "assigneeIds"::text[], "creatorId"::text FROM "Task"
    WHERE "deletedAt" IS NULL AND "status" IN ('PENDING', 'IN_PROGRESS')
      AND (COALESCE("dueAt", 'infinity'::timestamptz), "id") > (${dueAt}::timestamptz, ${taskId}::uuid)
      AND COALESCE("dueAt", 'infinity'::timestamptz) <= ${clock.horizon}::timestamptz
    ORDER BY COALESCE("dueAt", 'infinity'::timestamptz), "id" LIMIT ${limit}::int`
  const wanted = tasks.flatMap((task) => remind(task.id, task.dueAt.toISOString(), task.assigneeIds, task.creatorId))
  const last = tasks.at(-1)
  const done = tasks.length < limit || !last
  const state = done
    ? { dueAt: clock.horizon.toISOString(), taskId: LAST_ID }
    : { dueAt: last.dueAt.toISOString(), taskId: last.id }
  return { wanted, state, done }
}
