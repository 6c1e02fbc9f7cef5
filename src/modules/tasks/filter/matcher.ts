import DataLoader from 'dataloader'
import type { Database } from '../../../database/client.ts'
import type { LoggedEvent } from '../../../events/log.ts'
import type { MatchScope } from './field-definition.ts'
import { givenFields, nestedFilters, type TaskFilterValues } from './fields.ts'
import type { ResolvedFilter } from './resolve.ts'
import { findHits, type Hits, MAX_EVENTS_PER_LOOKUP, type SearchHits, sharedHits } from './search-hits.ts'
import { type TaskState, taskChange } from './state.ts'

/** How an event changes whether a task matches a filter. */
export type FilterMatch = 'ENTERED' | 'STAYED' | 'LEFT'

type Matcher = (event: LoggedEvent) => FilterMatch | undefined | Promise<FilterMatch | undefined>

/** Returns the different texts that a filter searches for. */
export const searchesOf = ({ values }: ResolvedFilter): string[] => [
  ...new Set([...nestedFilters(values)].flatMap(([{ search }]) => search ?? [])),
]

/**
 * Returns a function that matches task events against a filter. It checks the task as it was before
 * and after the event, at the time of the event, and returns undefined if neither matches.
 */
export function createMatcher(db: Database, filter: ResolvedFilter): Matcher {
  const searches = searchesOf(filter)
  const lookups = new DataLoader<ReturnType<typeof taskChange>, SearchHits>(
    (changes) => findHits(db, changes, searches),
    { cache: false, maxBatchSize: MAX_EVENTS_PER_LOOKUP },
  )
  return (event) => {
    const change = taskChange(event)
    const match = (hits: SearchHits) =>
      matchOf(isIn(change.before, filter, event.at, hits.before), isIn(change.after, filter, event.at, hits.after))
    if (searches.length === 0) return match({ before: new Set(), after: new Set() })
    return sharedHits(event, searches, () => lookups.load(change)).then(match)
  }
}

function matchOf(before: boolean, after: boolean): FilterMatch | undefined {
  if (after) return before ? 'STAYED' : 'ENTERED'
  return before ? 'LEFT' : undefined
}

function isIn(task: TaskState | null, filter: ResolvedFilter, at: Date, hits: Hits): boolean {
  if (task === null || (task.deletedAt !== null) !== filter.deleted) return false
  return matchesFilter(task, filter.values, { ...filter, at, hits })
}

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
