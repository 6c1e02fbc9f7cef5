import DataLoader from 'dataloader'
import type { Database } from '../../database/client.ts'
import type { LoggedEvent } from '../../events/log.ts'
import { Prisma } from '../../generated/prisma/client.ts'
import type { ResolvedFilter } from './filter.ts'
import { filtersIn, type TaskFilterValues, type TimeRange } from './filter-input.ts'
import { readKey } from './keys.ts'
import { type TaskChange, type TaskState, taskChange } from './states.ts'

/** Where an event leaves a task with regard to a filter. */
export type FilterMatch = 'ENTERED' | 'STAYED' | 'LEFT'

/**
 * Tells of the events of tasks what they are to a filter: undefined for those of tasks that were not in it and are not. It is the
 * condition of the lists, asked of the task as it was at the event, at the time of the event.
 */
export function matcherOf(
  db: Database,
  filter: ResolvedFilter,
): (event: LoggedEvent) => FilterMatch | undefined | Promise<FilterMatch | undefined> {
  const searches = [...new Set([...filtersIn(filter.values)].flatMap(([{ search }]) => search ?? []))]
  const lookUps: LookUps = new DataLoader((changes) => lookUp(db, changes, searches), {
    cache: false,
    maxBatchSize: AT_ONCE,
  })
  return (event) => {
    const change = taskChange(event)
    const { before, after } = change
    const judge = (found: SearchHits) =>
      matchOf(isIn(before, filter, event, found.before), isIn(after, filter, event, found.after))
    if (searches.length === 0) return judge(NO_SEARCH)
    return searchHits(event, searches, () => lookUps.load(change)).then(judge)
  }
}

function matchOf(before: boolean, after: boolean): FilterMatch | undefined {
  if (after) return before ? 'STAYED' : 'ENTERED'
  return before ? 'LEFT' : undefined
}

/** Which of a filter's searches find the task. */
type Hits = ReadonlySet<string>

interface SearchHits {
  before: Hits
  after: Hits
}

const NONE: Hits = new Set()
const NO_SEARCH: SearchHits = { before: NONE, after: NONE }

function isIn(task: TaskState | null, filter: ResolvedFilter, { at }: LoggedEvent, hits: Hits): boolean {
  if (task === null || (task.deletedAt !== null) !== filter.deleted) return false
  return meets(task, filter.values, { ...filter, at, hits })
}

interface Judged extends ResolvedFilter {
  at: Date
  hits: Hits
}

/** The same as the SQL of `taskCondition`, condition by condition. */
function meets(task: TaskState, filter: TaskFilterValues, whole: Judged): boolean {
  const { status, priority, projectId, assigneeId, creatorId, labelId, parentId, key, overdue, search } = filter
  const { and, or, not } = filter
  const isPerson = (wanted: string, one: string | null) =>
    one === (wanted === 'me' ? whole.viewerId : wanted.toLowerCase())
  return (
    (status == null || status.includes(task.status)) &&
    (priority?.in == null || priority.in.includes(task.priority)) &&
    (priority?.gte == null || task.priority >= priority.gte) &&
    (priority?.lte == null || task.priority <= priority.lte) &&
    (projectId == null || task.projectId === projectId.toLowerCase()) &&
    (assigneeId == null ||
      assigneeId.some((wanted) =>
        wanted === 'none' ? task.assigneeIds.length === 0 : task.assigneeIds.some((one) => isPerson(wanted, one)),
      )) &&
    (creatorId == null || creatorId.some((wanted) => isPerson(wanted, task.creatorId))) &&
    (labelId?.any == null || labelId.any.some((one) => task.labelIds.includes(one.toLowerCase()))) &&
    (labelId?.all ?? []).every((one) => task.labelIds.includes(one.toLowerCase())) &&
    (parentId == null || isBelow(task, parentId, whole)) &&
    (key == null || key.some((one) => hasKey(task, readKey(one)))) &&
    isDuring(task.dueAt, filter.dueAt) &&
    isDuring(task.createdAt, filter.createdAt) &&
    isDuring(task.updatedAt, filter.updatedAt) &&
    isDuring(task.completedAt, filter.completedAt) &&
    (overdue == null || overdue === isOverdue(task, whole.at)) &&
    (search == null || whole.hits.has(search)) &&
    (and ?? []).every((one) => meets(task, one, whole)) &&
    (or == null || or.some((one) => meets(task, one, whole))) &&
    (not == null || !meets(task, not, whole))
  )
}

const hasKey = (task: TaskState, key: string | undefined) =>
  key !== undefined && (key === task.key || task.formerKeys.includes(key))

function isBelow({ parentId }: TaskState, wanted: string, { taskIds }: Judged): boolean {
  return wanted === 'none' ? parentId === null : parentId !== null && parentId === taskIds.get(wanted)
}

function isDuring(time: string | null, range: TimeRange | null | undefined): boolean {
  const { gte, gt, lte, lt } = range ?? {}
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

function isOverdue({ status, dueAt }: TaskState, at: Date): boolean {
  return (status === 'PENDING' || status === 'IN_PROGRESS') && dueAt !== null && Date.parse(dueAt) < at.getTime()
}

/** A reader of the log looks up what it has read at once. */
type LookUps = DataLoader<TaskChange, SearchHits>

/** Events looked up in one statement. */
const AT_ONCE = 100

/** By event, as many streams may search it for the same. */
const known = new WeakMap<LoggedEvent, Map<string, Promise<SearchHits>>>()

function searchHits(
  event: LoggedEvent,
  searches: readonly string[],
  find: () => Promise<SearchHits>,
): Promise<SearchHits> {
  const ofEvent = known.get(event) ?? new Map<string, Promise<SearchHits>>()
  known.set(event, ofEvent)
  const key = JSON.stringify(searches)
  const found = ofEvent.get(key) ?? find()
  ofEvent.set(key, found)
  // What could not be looked up now may be another time.
  found.catch(() => ofEvent.delete(key))
  return found
}

/** Only the database knows the stems of words. */
async function lookUp(
  db: Database,
  changes: readonly TaskChange[],
  searches: readonly string[],
): Promise<SearchHits[]> {
  const states = changes.flatMap(({ before, after }) => [before, after].map((state) => state ?? NO_WORDS))
  const titles = states.map(({ title }) => title)
  const descriptions = states.map(({ description }) => description)
  const rows = await db.$queryRaw<{ state: number; search: string }[]>(Prisma.sql`
    SELECT state.place::int AS state, search.typed AS search
    FROM unnest(${titles}::text[], ${descriptions}::text[]) WITH ORDINALITY AS state(title, description, place)
    CROSS JOIN unnest(${searches}::text[]) AS search(typed)
    WHERE task_words(state.title, state.description, ${NO_PROJECT}::uuid) @@ search_query(search.typed)`)
  const hits = states.map(() => new Set<string>())
  for (const { state, search } of rows) hits[state - 1]?.add(search)
  return changes.map((_, index) => ({ before: hits[2 * index] ?? NONE, after: hits[2 * index + 1] ?? NONE }))
}

const NO_WORDS = { title: '', description: null }

/** Words of a project mark where they are from; nobody types them. */
const NO_PROJECT = '00000000-0000-0000-0000-000000000000'
