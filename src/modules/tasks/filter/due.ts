import { Prisma } from '../../../generated/prisma/client.ts'

/** The time at which a task is due. A day ends with its last millisecond in UTC. */
const DUE = Prisma.sql`"Task"."dueAt", ("Task"."dueOn" + time '23:59:59.999') AT TIME ZONE 'UTC'`

/**
 * Returns the time at which a task is due, exactly as in the indexes. A task without one comes last
 * in this direction.
 */
export const dueOrLast = (direction: 'asc' | 'desc') =>
  direction === 'asc'
    ? Prisma.sql`COALESCE(${DUE}, 'infinity'::timestamptz)`
    : Prisma.sql`COALESCE(${DUE}, '-infinity'::timestamptz)`

/** Infinity for a task that is never due. */
export const DUE_OR_NEVER = dueOrLast('asc')
