import type { InputFieldRef } from '@pothos/core'
import { builder } from '../../../schema/builder.ts'
import { FIELD_ENTRIES, type TaskFilterValues } from './fields.ts'
import { taskFilterRules } from './rules.ts'

type Types = typeof builder.$inferSchemaTypes
type FieldRefs = { [Name in keyof TaskFilterValues]-?: InputFieldRef<Types, TaskFilterValues[Name]> }

/** Named before it is built because it contains itself. */
export const TaskFilter = builder.inputRef<TaskFilterValues>('TaskFilter')

TaskFilter.implement({
  description:
    'Conditions, all of which a task must meet. A project, label or parent named here must exist and be visible to you.',
  extensions: {
    // For the documentation. The operations that take a filter validate it.
    rules: taskFilterRules,
    example: { not: { status: ['COMPLETED', 'CANCELLED'] }, priority: { gte: 4 } },
  },
  fields: (t) =>
    ({
      ...Object.fromEntries(
        FIELD_ENTRIES.map(([name, { type, description }]) => [name, t.field({ type, description })]),
      ),
      deleted: t.boolean({ description: 'True to find tasks in the trash instead of all others.' }),
      and: t.field({ type: [TaskFilter], description: 'All of these.' }),
      or: t.field({ type: [TaskFilter], description: 'At least one of these.' }),
      not: t.field({
        type: TaskFilter,
        description:
          'Not this. At most 5 levels of and, or, not, and at most 20 conditions on assignees, labels or search words.',
      }),
    }) as FieldRefs,
})
