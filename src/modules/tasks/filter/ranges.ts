import { z } from 'zod'
import { Prisma } from '../../../generated/prisma/client.ts'
import { builder } from '../../../schema/builder.ts'
import { priority } from '../input.ts'
import { DUE_OR_NEVER } from './due.ts'
import { type FilterField, field, oneOf, taskColumn } from './field-definition.ts'

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

type TimeColumn = 'startAt' | 'dueAt' | 'createdAt' | 'updatedAt' | 'completedAt'

export const timeRange = (column: TimeColumn): FilterField<TimeRange> =>
  field({
    type: DateTimeFilter,
    rule: timeRules,
    sql: ({ gte, gt, lte, lt }) => {
      const value = column === 'dueAt' ? DUE_OR_NEVER : taskColumn(column)
      return [
        gte && Prisma.sql`${value} >= ${gte}`,
        gt && Prisma.sql`${value} > ${gt}`,
        lte && Prisma.sql`${value} <= ${lte}`,
        lt && Prisma.sql`${value} < ${lt}`,
        // The index also has tasks with another due date or none, which are in no range.
        column === 'dueAt' && (gte || gt || lte || lt) && Prisma.sql`"Task"."dueAt" IS NOT NULL`,
      ]
    },
    matches: (range, task) => isWithin(task[column] ?? null, range),
  })

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
