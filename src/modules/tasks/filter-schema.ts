import { builder } from '../../builder.ts'
import { labelFilterRules, priorityFilterRules, taskFilterRules } from './filter-input.ts'
import { TASK_ORDER_FIELDS } from './order.ts'
import { TaskStatusType } from './type.ts'

const PriorityFilter = builder.inputType('PriorityFilter', {
  description: 'A range of priorities.',
  extensions: { rules: priorityFilterRules },
  fields: (t) => ({
    in: t.intList({ description: 'One of these.' }),
    gte: t.int({ description: 'This or higher.' }),
    lte: t.int({ description: 'This or lower.' }),
  }),
})

const DateTimeFilter = builder.inputType('DateTimeFilter', {
  description: 'A range of time. What has no time is in none.',
  fields: (t) => ({
    gte: t.field({ type: 'DateTime', description: 'Then or later.' }),
    gt: t.field({ type: 'DateTime', description: 'Later.' }),
    lte: t.field({ type: 'DateTime', description: 'Then or earlier.' }),
    lt: t.field({ type: 'DateTime', description: 'Earlier.' }),
  }),
})

const LabelFilter = builder.inputType('LabelFilter', {
  description: 'Labels that tasks bear.',
  extensions: { rules: labelFilterRules },
  fields: (t) => ({
    any: t.idList({ description: 'At least one of these labels.' }),
    all: t.idList({ description: 'All of these labels.' }),
  }),
})

interface TaskFilterShape {
  status?: (typeof TaskStatusType.$inferInput)[] | null
  priority?: typeof PriorityFilter.$inferInput | null
  projectId?: string | null
  assigneeId?: string[] | null
  creatorId?: string[] | null
  labelId?: typeof LabelFilter.$inferInput | null
  parentId?: string | null
  key?: string[] | null
  dueAt?: typeof DateTimeFilter.$inferInput | null
  createdAt?: typeof DateTimeFilter.$inferInput | null
  updatedAt?: typeof DateTimeFilter.$inferInput | null
  completedAt?: typeof DateTimeFilter.$inferInput | null
  overdue?: boolean | null
  search?: string | null
  deleted?: boolean | null
  and?: TaskFilterShape[] | null
  or?: TaskFilterShape[] | null
  not?: TaskFilterShape | null
}

/** Named and typed before it is made, as it contains itself. */
export const TaskFilter = builder.inputRef<TaskFilterShape>('TaskFilter')

TaskFilter.implement({
  description:
    'What a task has to meet: every condition given. What it names (a project, a label, a parent) has to be there and to be seen.',
  extensions: {
    // The operations that take it check it.
    rules: taskFilterRules,
    example: { not: { status: ['COMPLETED', 'CANCELLED'] }, priority: { gte: 4 } },
  },
  fields: (t) => ({
    status: t.field({ type: [TaskStatusType], description: 'One of these.' }),
    priority: t.field({ type: PriorityFilter }),
    projectId: t.id(),
    assigneeId: t.idList({ description: 'Assigned to one of these; `me` is you, `none` is nobody.' }),
    creatorId: t.idList({ description: 'Created by one of these; `me` is you.' }),
    labelId: t.field({ type: LabelFilter }),
    parentId: t.id({ description: 'A sub-task of this one, by id or key; `none` for what is no sub-task.' }),
    key: t.stringList({ description: 'One of these keys, like WEB-42, also of before a move.' }),
    dueAt: t.field({ type: DateTimeFilter }),
    createdAt: t.field({ type: DateTimeFilter }),
    updatedAt: t.field({ type: DateTimeFilter }),
    completedAt: t.field({ type: DateTimeFilter }),
    overdue: t.boolean({ description: 'Whether it is past its due date and PENDING or IN_PROGRESS.' }),
    search: t.string({
      description:
        'Words of the title or description: all of them, in any form (run finds running), the last one also as the beginning of a word. Case and accents do not matter. At most 200 characters.',
    }),
    deleted: t.boolean({ description: 'True for the tasks in the trash; otherwise those that are not in it.' }),
    and: t.field({ type: [TaskFilter], description: 'All of these.' }),
    or: t.field({ type: [TaskFilter], description: 'At least one of these.' }),
    not: t.field({
      type: TaskFilter,
      description: 'Not this. At most 5 levels of and, or, not; people, labels and words at most 20 times in all.',
    }),
  }),
})

export const TaskOrder = builder.inputType('TaskOrder', {
  description: 'One term of an order.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('TaskOrderField', {
        description: 'TITLE goes by code point; RELEVANCE goes with `search`.',
        values: TASK_ORDER_FIELDS,
      }),
      required: true,
    }),
    direction: t.field({
      type: builder.enumType('OrderDirection', { values: ['ASC', 'DESC'] as const, description: 'Rising or falling.' }),
      required: true,
      defaultValue: 'ASC',
    }),
  }),
})
