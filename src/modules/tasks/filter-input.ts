import { z } from 'zod'
import type { TaskStatus } from '../../generated/prisma/enums.ts'
import { checkPage, pageRules } from '../../pagination.ts'
import { id, isId, text } from '../../rules.ts'
import { priority, status } from './input.ts'
import { ID_PATTERN, isTaskId, TASK_ID_PATTERN, taskKey } from './keys.ts'
import { TASK_ORDER_FIELDS } from './order.ts'

/** Ranges of times: at, after, before. */
export interface TimeRange {
  gte?: Date | null | undefined
  gt?: Date | null | undefined
  lte?: Date | null | undefined
  lt?: Date | null | undefined
}

/** What a task has to meet: every condition given. The one grammar of lists, streams and exports. */
export interface TaskFilterValues {
  status?: TaskStatus[] | null | undefined
  priority?:
    | { in?: number[] | null | undefined; gte?: number | null | undefined; lte?: number | null | undefined }
    | null
    | undefined
  projectId?: string | null | undefined
  assigneeId?: string[] | null | undefined
  creatorId?: string[] | null | undefined
  labelId?: { any?: string[] | null | undefined; all?: string[] | null | undefined } | null | undefined
  parentId?: string | null | undefined
  key?: string[] | null | undefined
  dueAt?: TimeRange | null | undefined
  createdAt?: TimeRange | null | undefined
  updatedAt?: TimeRange | null | undefined
  completedAt?: TimeRange | null | undefined
  overdue?: boolean | null | undefined
  search?: string | null | undefined
  deleted?: boolean | null | undefined
  and?: TaskFilterValues[] | null | undefined
  or?: TaskFilterValues[] | null | undefined
  not?: TaskFilterValues | null | undefined
}

/** Values of one condition; a list as long as a page would be no filter. */
const MOST_VALUES = 100
/** Levels of and, or, not. */
const MOST_LEVELS = 5
/** Filters within a filter, over all levels. */
const MOST_FILTERS = 50
const LONGEST_SEARCH = 200
/** Conditions that are looked up in other tables, over all levels: planning many together takes PostgreSQL longer than reading (20: 70 ms, 200: 24 s). */
const MOST_LOOKUPS = 20

const list = <Rule extends z.ZodType>(rule: Rule) => z.array(rule).max(MOST_VALUES, `takes at most ${MOST_VALUES}`)

const either = (...words: string[]) =>
  z
    .string()
    .refine((value) => isId(value) || words.includes(value), `is neither an id nor ${words.join(' or ')}`)
    .meta({ pattern: `^(${[ID_PATTERN, ...words].join('|')})$`, maxLength: 36, examples: words.slice(0, 1) })

const time = z.date().nullish()
const times = z.object({ gte: time, gt: time, lte: time, lt: time }).nullish()

export const priorityFilterRules = z.object({
  in: list(priority).nullish(),
  gte: priority.nullish(),
  lte: priority.nullish(),
})
export const labelFilterRules = z.object({ any: list(id).nullish(), all: list(id).nullish() })

/** Punctuation alone finds nothing: whoever types it wants something else. */
const search = text(LONGEST_SEARCH)
  .refine((value) => /[\p{L}\p{N}]/u.test(value), 'must have a letter or a digit in it')
  .meta({ examples: ['report'] })

const parts = z
  .array(z.lazy(() => part))
  .min(1, 'must not be empty')
  .max(MOST_FILTERS - 1, `takes at most ${MOST_FILTERS - 1}`)

const part: z.ZodType<TaskFilterValues> = z.object({
  status: list(status).nullish(),
  priority: priorityFilterRules.nullish(),
  projectId: id.nullish(),
  assigneeId: list(either('me', 'none')).nullish(),
  creatorId: list(either('me')).nullish(),
  labelId: labelFilterRules.nullish(),
  parentId: z
    .string()
    .refine((value) => value === 'none' || isTaskId(value), 'is neither an id nor a key like WEB-42 nor none')
    .meta({ pattern: `^(none|${TASK_ID_PATTERN})$`, maxLength: 36, examples: ['none'] })
    .nullish(),
  key: list(taskKey).nullish(),
  dueAt: times,
  createdAt: times,
  updatedAt: times,
  completedAt: times,
  overdue: z.boolean().nullish(),
  search: search.nullish(),
  deleted: z.boolean().nullish(),
  and: parts.nullish(),
  or: parts.nullish(),
  not: z.lazy(() => part).nullish(),
})

export type FilterPath = (string | number)[]

/** A filter and all within it, each with its path. */
export function* filtersIn(filter: TaskFilterValues, path: FilterPath = []): Generator<[TaskFilterValues, FilterPath]> {
  yield [filter, path]
  for (const name of ['and', 'or'] as const) {
    for (const [index, one] of (filter[name] ?? []).entries()) yield* filtersIn(one, [...path, name, index])
  }
  if (filter.not) yield* filtersIn(filter.not, [...path, 'not'])
}

/** What only the filter as a whole can break. */
export const taskFilterRules = part.superRefine((filter, issues) => {
  const all = [...filtersIn(filter)]
  if (all.length > MOST_FILTERS)
    issues.addIssue({ code: 'custom', message: `has ${all.length} filters in it; at most ${MOST_FILTERS}` })
  const lookups = all.flatMap(([{ assigneeId, labelId, search }]) =>
    [assigneeId, labelId?.any, labelId?.all, search].filter((condition) => condition != null),
  )
  if (lookups.length > MOST_LOOKUPS)
    issues.addIssue({
      code: 'custom',
      message: `asks ${lookups.length} times for people, labels or words; at most ${MOST_LOOKUPS}`,
    })
  for (const [one, path] of all) {
    const levels = path.filter((step) => typeof step === 'string').length
    if (levels === MOST_LEVELS + 1)
      issues.addIssue({
        code: 'custom',
        path,
        message: `is nested too deep: at most ${MOST_LEVELS} levels of and, or, not`,
      })
    if (levels > 0 && one.deleted != null)
      issues.addIssue({
        code: 'custom',
        path: [...path, 'deleted'],
        message: 'can only stand at the top of the filter',
      })
  }
})

/** All arguments of a list in one rule, so that every problem is told at once. */
export const listTasksRules = pageRules
  .extend({
    filter: taskFilterRules.nullish(),
    orderBy: z
      .array(z.object({ field: z.enum(TASK_ORDER_FIELDS), direction: z.enum(['ASC', 'DESC']) }))
      .max(2, 'takes at most 2 terms')
      .nullish(),
  })
  .check(checkPage, ({ value: { filter, orderBy }, issues }) => {
    const fields = (orderBy ?? []).map((term) => term.field)
    const refuse = (index: number, message: string) =>
      issues.push({ code: 'custom', path: ['orderBy', index, 'field'], message, input: undefined })
    if (fields.includes('RELEVANCE') && filter?.search == null)
      refuse(fields.indexOf('RELEVANCE'), 'RELEVANCE is of a search: give filter.search')
    if (fields[0] !== undefined && fields[0] === fields[1]) refuse(1, `is ${fields[1]} twice`)
  })

export type ListTasksValues = z.infer<typeof listTasksRules>
