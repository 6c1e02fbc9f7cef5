import type { MatchScope } from './field.ts'
import { givenFields, type TaskFilterValues } from './fields.ts'
import type { TaskState } from './state.ts'

/** Checks a logged state of a task against a filter, with the same result as its SQL. */
export function matchesFilter(task: TaskState, filter: TaskFilterValues, scope: MatchScope): boolean {
  const { and, or, not } = filter
  return (
    givenFields(filter).every(({ field, value }) => field.matches(value, task, scope)) &&
    (and ?? []).every((one) => matchesFilter(task, one, scope)) &&
    (or == null || or.some((one) => matchesFilter(task, one, scope))) &&
    (not == null || !matchesFilter(task, not, scope))
  )
}
