import { z } from 'zod'
import { Prisma } from '../../../generated/prisma/client.ts'
import { builder } from '../../../schema/builder.ts'
import { dayOf } from '../../users/time-zone-service.ts'
import { calendarDate } from '../input.ts'
import { DUE_OR_NEVER } from './due.ts'
import { field } from './field-definition.ts'
import type { TaskState } from './state.ts'

const date = calendarDate.nullish()
const dateRules = z.object({ gte: date, gt: date, lte: date, lt: date })

const DateFilter = builder.inputType('DateFilter', {
  description: 'A range of days. A task without this date is in no range.',
  fields: (t) => ({
    gte: t.field({ type: 'Date', description: 'On this day or later.' }),
    gt: t.field({ type: 'Date', description: 'Later than this day.' }),
    lte: t.field({ type: 'Date', description: 'On this day or earlier.' }),
    lt: t.field({ type: 'Date', description: 'Earlier than this day.' }),
  }),
})

/** Midnight UTC of a day, to find the place in the index on the due date. */
const startOf = (day: string) => Prisma.sql`${`${day}T00:00:00Z`}::timestamptz`

export const dueOnRange = field({
  type: DateFilter,
  rule: dateRules,
  sql: ({ gte, gt, lte, lt }) => [
    gte != null && Prisma.sql`${DUE_OR_NEVER} >= ${startOf(gte)} AND "Task"."dueOn" >= ${gte}::date`,
    gt != null && Prisma.sql`${DUE_OR_NEVER} >= ${startOf(gt)} AND "Task"."dueOn" > ${gt}::date`,
    lte != null && Prisma.sql`${DUE_OR_NEVER} < ${startOf(lte)} + interval '1 day' AND "Task"."dueOn" <= ${lte}::date`,
    lt != null && Prisma.sql`${DUE_OR_NEVER} < ${startOf(lt)} AND "Task"."dueOn" < ${lt}::date`,
  ],
  matches: ({ gte, gt, lte, lt }, { dueOn = null }) =>
    (gte == null || (dueOn !== null && dueOn >= gte)) &&
    (gt == null || (dueOn !== null && dueOn > gt)) &&
    (lte == null || (dueOn !== null && dueOn <= lte)) &&
    (lt == null || (dueOn !== null && dueOn < lt)),
})

/**
 * Open and past the time or day it is due. `today` is the day at the viewer's place. Begins with the
 * conditions of the index on open tasks: a day before `today` ends before midnight UTC of `today`.
 */
const isPast = (today: string) => Prisma.sql`"Task"."status" IN ('PENDING', 'IN_PROGRESS')
  AND ${DUE_OR_NEVER} < greatest(now(), ${startOf(today)})
  AND ("Task"."dueAt" IS NULL OR "Task"."dueAt" < now()) AND ("Task"."dueOn" IS NULL OR "Task"."dueOn" < ${today}::date)`

export const overdue = field({
  description:
    'True for PENDING and IN_PROGRESS tasks past their `dueAt`, or whose `dueOn` has ended in your time zone; false for all other tasks.',
  type: 'Boolean',
  rule: z.boolean(),
  indexed: true,
  sql(wanted, { timeZone }) {
    const past = isPast(dayOf(new Date(), timeZone))
    return wanted ? past : Prisma.sql`NOT (${past})`
  },
  matches: (wanted, task, { at, timeZone }) => wanted === isOverdue(task, at, timeZone),
})

function isOverdue({ status, dueAt, dueOn = null }: TaskState, at: Date, timeZone: string): boolean {
  if (status !== 'PENDING' && status !== 'IN_PROGRESS') return false
  return dueOn === null ? dueAt !== null && Date.parse(dueAt) < at.getTime() : dueOn < dayOf(at, timeZone)
}
