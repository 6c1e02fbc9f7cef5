import { z } from 'zod'
import { Prisma } from '../../../generated/prisma/client.ts'
import { builder } from '../../../schema/builder.ts'
import { priority } from '../input.ts'
import { type FilterField, field, oneOf, taskColumn } from './field-definition.ts'
import type { TaskState } from './state.ts'

/** Maximum number of values in one condition. */
const MAX_VALUES = 100

export const listOf = <Rule extends z.ZodType>(rule: Rule) =>
  z.array(rule).max(MAX_VALUES, `must have at most ${MAX_VALUES} items`)

const priorityRules = z.object({
  in: listOf(priority).nullish(),
  gte: priority.nullish(),
  lte: priority.nullish(),
})

const PriorityFilter = builder.inputType('PriorityFilter', {
  description: 'A range of priorities.',
  extensions: { rules: priorityRules },
  fields: (t) => ({
    in: t.intList({ description: 'One of these.' }),
    gte: t.int({ description: 'This or higher.' }),
    lte: t.int({ description: 'This or lower.' }),
  }),
})

export const priorityRange = field({
  type: PriorityFilter,
  rule: priorityRules,
  sql: (range) => [
    range.in && oneOf(taskColumn('priority'), range.in, 'smallint'),
    range.gte != null && Prisma.sql`"Task"."priority" >= ${range.gte}::smallint`,
    range.lte != null && Prisma.sql`"Task"."priority" <= ${range.lte}::smallint`,
  ],
  matches: (range, task) =>
    (range.in == null || range.in.includes(task.priority)) &&
    (range.gte == null || task.priority >= range.gte) &&
    (range.lte == null || task.priority <= range.lte),
})

/** Accepts a Date, or the ISO string that a stored filter has in its place. */
const time = z.preprocess((value) => (typeof value === 'string' ? new Date(value) : value), z.date()).nullish()
const timeRules = z.object({ gte: time, gt: time, lte: time, lt: time })

type TimeRange = z.infer<typeof timeRules>

const DateTimeFilter = builder.inputType('DateTimeFilter', {
  description: 'A time range. A task without this time is in no range.',
  fields: (t) => ({
    gte: t.field({ type: 'DateTime', description: 'At this time or later.' }),
    gt: t.field({ type: 'DateTime', description: 'Later than this time.' }),
    lte: t.field({ type: 'DateTime', description: 'At this time or earlier.' }),
    lt: t.field({ type: 'DateTime', description: 'Earlier than this time.' }),
  }),
})

type TimeColumn = 'dueAt' | 'createdAt' | 'updatedAt' | 'completedAt'

export const timeRange = (column: TimeColumn): FilterField<TimeRange> =>
  field({
    type: DateTimeFilter,
    rule: timeRules,
    sql: ({ gte, gt, lte, lt }) => {
      const value = column === 'dueAt' ? DUE_AT_OR_NEVER : taskColumn(column)
      return [
        gte && Prisma.sql`${value} >= ${gte}`,
        gt && Prisma.sql`${value} > ${gt}`,
        lte && Prisma.sql`${value} <= ${lte}`,
        lt && Prisma.sql`${value} < ${lt}`,
        // Infinity is later than any lower bound, but a task without a due date is in no range.
        column === 'dueAt' && (gte || gt) && Prisma.sql`"Task"."dueAt" IS NOT NULL`,
      ]
    },
    matches: (range, task) => isWithin(task[column], range),
  })

/** Exactly the expression in the index on the due date. */
const DUE_AT_OR_NEVER = Prisma.sql`COALESCE("Task"."dueAt", 'infinity'::timestamptz)`

function isWithin(time: string | null, { gte, gt, lte, lt }: TimeRange): boolean {
  if (gte == null && gt == null && lte == null && lt == null) return true
  if (time === null) return false
  const at = Date.parse(time)
  return (
    (gte == null || at >= gte.getTime()) &&
    (gt == null || at > gt.getTime()) &&
    (lte == null || at <= lte.getTime()) &&
    (lt == null || at < lt.getTime())
  )
}

/** Open and past the due date. Exactly the expressions in the index on open tasks. */
const OVERDUE = Prisma.sql`"Task"."status" IN ('PENDING', 'IN_PROGRESS')
  AND COALESCE("Task"."dueAt", 'infinity'::timestamptz) < now()`

export const overdue = field({
  description: 'True for PENDING and IN_PROGRESS tasks past their due date; false for all other tasks.',
  type: 'Boolean',
  rule: z.boolean(),
  indexed: true,
  sql: (wanted) => (wanted ? OVERDUE : Prisma.sql`NOT (${OVERDUE})`),
  matches: (wanted, task, { at }) => wanted === isOverdue(task, at),
})

function isOverdue({ status, dueAt }: TaskState, at: Date): boolean {
  return (status === 'PENDING' || status === 'IN_PROGRESS') && dueAt !== null && Date.parse(dueAt) < at.getTime()
}
