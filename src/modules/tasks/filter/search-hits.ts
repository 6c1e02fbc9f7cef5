import type { Database } from '../../../database/client.ts'
import type { LoggedEvent } from '../../../events/log.ts'
import { Prisma } from '../../../generated/prisma/client.ts'
import type { TaskChange } from './state.ts'

/** Search texts that find a task. */
export type Hits = ReadonlySet<string>

/** Hits for a task before and after an event. */
export interface SearchHits {
  before: Hits
  after: Hits
}

export const MAX_EVENTS_PER_LOOKUP = 100

const hitsByEvent = new WeakMap<LoggedEvent, Map<string, Promise<SearchHits>>>()

/** Shares one lookup among all streams that search an event for the same words. */
export function sharedHits(
  event: LoggedEvent,
  searches: readonly string[],
  find: () => Promise<SearchHits>,
): Promise<SearchHits> {
  const bySearches = hitsByEvent.get(event) ?? new Map<string, Promise<SearchHits>>()
  hitsByEvent.set(event, bySearches)
  const key = JSON.stringify(searches)
  const hits = bySearches.get(key) ?? find()
  bySearches.set(key, hits)
  // A failed lookup may succeed when it is tried again.
  hits.catch(() => bySearches.delete(key))
  return hits
}

/** Searches logged states in the database, which alone can stem words. */
export async function findHits(
  db: Database,
  changes: readonly TaskChange[],
  searches: readonly string[],
): Promise<SearchHits[]> {
  const states = changes.flatMap(({ before, after }) => [before, after].map((state) => state ?? NO_WORDS))
  const titles = states.map(({ title }) => title)
  const descriptions = states.map(({ description }) => description)
  // Words and queries are made once, not for each pair of them.
  const rows = await db.$queryRaw<{ state: number; search: string }[]>(Prisma.sql`
    WITH state AS MATERIALIZED (
      SELECT given.place::int, task_words(given.title, given.description, ${NO_PROJECT}::uuid) AS words
      FROM unnest(${titles}::text[], ${descriptions}::text[]) WITH ORDINALITY AS given(title, description, place)
    ), search AS MATERIALIZED (
      SELECT given.typed, search_query(given.typed) AS query FROM unnest(${searches}::text[]) AS given(typed)
    )
    SELECT state.place AS state, search.typed AS search FROM state JOIN search ON state.words @@ search.query`)
  const hits = states.map(() => new Set<string>())
  for (const { state, search } of rows) hits[state - 1]?.add(search)
  const hitsAt = (index: number): Hits => hits[index] ?? new Set()
  return changes.map((_, index) => ({ before: hitsAt(2 * index), after: hitsAt(2 * index + 1) }))
}

const NO_WORDS = { title: '', description: null }

/** task_words adds a word for the project, which no search text contains. */
const NO_PROJECT = '00000000-0000-0000-0000-000000000000'
