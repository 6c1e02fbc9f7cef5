import { z } from 'zod'
import { Prisma } from '../../../generated/prisma/client.ts'
import { id } from '../../../schema/rules.ts'
import { status } from '../input.ts'
import { isTaskId, readKey, TASK_ID_PATTERN, taskKey } from '../key-type.ts'
import { TaskStatusType } from '../status-type.ts'
import { dueOnRange, overdue } from './days.ts'
import { type FilterField, type FilterPath, field, oneOf, taskColumn } from './field-definition.ts'
import { label } from './labels.ts'
import { assignee, creator } from './people.ts'
import { listOf, priorityRange, timeRange } from './ranges.ts'
import { search } from './words.ts'

/**
 * Every field of the task filter. The types, rules, GraphQL input, SQL and the matcher of event
 * streams all derive from this table: to add a filter field, add an entry. Event streams match
 * logged states, so a column that `matches` reads must be in STATE_COLUMNS in logged.ts.
 */
export const FILTER_FIELDS = {
  status: field({
    description: 'One of these.',
    type: [TaskStatusType],
    rule: listOf(status),
    indexed: true,
    sql: (statuses) => oneOf(taskColumn('status'), statuses, '"TaskStatus"'),
    matches: (statuses, task) => statuses.includes(task.status),
  }),
  priority: priorityRange,
  projectId: field({
    type: 'ID',
    rule: id,
    indexed: true,
    named: (projectId) => ({ project: [{ id: projectId, path: [] }] }),
    sql: (projectId) => Prisma.sql`"Task"."projectId" = ${projectId}::uuid`,
    matches: (projectId, task) => task.projectId === projectId.toLowerCase(),
  }),
  assigneeId: assignee,
  creatorId: creator,
  labelId: label,
  parentId: field({
    description: 'A sub-task of this task, by id or key. `none` finds tasks without a parent.',
    type: 'ID',
    rule: z
      .string()
      .refine((value) => value === 'none' || isTaskId(value), 'must be an id, a key like WEB-42, or none')
      .meta({ pattern: `^(none|${TASK_ID_PATTERN})$`, maxLength: 36, examples: ['none'] }),
    indexed: true,
    selective: (parentId) => parentId !== 'none',
    named: (parentId) => ({ parent: parentId === 'none' ? [] : [{ id: parentId, path: [] }] }),
    sql: (parentId, { taskIds }) =>
      parentId === 'none'
        ? Prisma.sql`"Task"."parentId" IS NULL`
        : Prisma.sql`"Task"."parentId" = ${taskIds.get(parentId) ?? null}::uuid`,
    matches: (parentId, task, { taskIds }) =>
      parentId === 'none' ? task.parentId === null : task.parentId !== null && task.parentId === taskIds.get(parentId),
  }),
  key: field({
    description: 'One of these keys, like WEB-42. Includes keys a task had before it moved.',
    type: ['String'],
    rule: listOf(taskKey),
    indexed: true,
    selective: () => true,
    keys: (keys) => keys,
    sql: (keys, { taskIds }) =>
      oneOf(
        taskColumn('id'),
        keys.flatMap((key) => taskIds.get(key) ?? []),
        'uuid',
      ),
    matches: (keys, task) =>
      keys.some((one) => {
        const key = readKey(one)
        return key !== undefined && (key === task.key || task.formerKeys.includes(key))
      }),
  }),
  startAt: timeRange('startAt'),
  dueAt: timeRange('dueAt'),
  dueOn: dueOnRange,
  createdAt: timeRange('createdAt'),
  updatedAt: timeRange('updatedAt'),
  completedAt: timeRange('completedAt'),
  overdue,
  search,
}

type Fields = typeof FILTER_FIELDS

/** Values of the table's fields, all optional. */
type FieldValues = {
  [Name in keyof Fields]?: (Fields[Name] extends FilterField<infer Value> ? Value : never) | null | undefined
}

/** Conditions, all of which a task must meet. Lists, event streams and saved filters share it. */
export interface TaskFilterValues extends FieldValues {
  /** True to find tasks in the trash instead of all others. Only at the top level. */
  deleted?: boolean | null | undefined
  and?: TaskFilterValues[] | null | undefined
  or?: TaskFilterValues[] | null | undefined
  not?: TaskFilterValues | null | undefined
}

export const FIELD_ENTRIES = Object.entries(FILTER_FIELDS) as [keyof Fields, FilterField<unknown>][]

interface GivenField {
  name: keyof Fields
  field: FilterField<unknown>
  value: unknown
}

/** Lists the fields a filter gives, leaving out `deleted` and the filters nested in it. */
export function givenFields(filter: TaskFilterValues): GivenField[] {
  return FIELD_ENTRIES.flatMap(([name, field]) => {
    const value = filter[name]
    return value == null ? [] : [{ name, field, value }]
  })
}

/** Yields a filter and all filters nested in it, each with its path. */
export function* nestedFilters(
  filter: TaskFilterValues,
  path: FilterPath = [],
): Generator<[TaskFilterValues, FilterPath]> {
  yield [filter, path]
  for (const name of ['and', 'or'] as const) {
    for (const [index, one] of (filter[name] ?? []).entries()) yield* nestedFilters(one, [...path, name, index])
  }
  if (filter.not) yield* nestedFilters(filter.not, [...path, 'not'])
}
