import type { Prisma, Task } from '../../src/generated/prisma/client.ts'
import type { TaskStatus } from '../../src/generated/prisma/enums.ts'

/**
 * Reference model of a task list: filters every task, then sorts the rest. Shares no code with the
 * sources, so that it does not repeat their mistakes.
 */

export interface ModelTask extends Task {
  formerKeys: string[]
}

export interface ModelViewer {
  id: string
  name: string
  /** Projects whose tasks the viewer sees. */
  projectIds: readonly string[]
}

interface Range {
  gte?: string | null
  gt?: string | null
  lte?: string | null
  lt?: string | null
}

/** The filter as sent. A null condition is ignored. */
export interface Filter {
  status?: TaskStatus[] | null
  priority?: { in?: number[] | null; gte?: number | null; lte?: number | null } | null
  projectId?: string | null
  assigneeId?: string[] | null
  creatorId?: string[] | null
  labelId?: { any?: string[] | null; all?: string[] | null } | null
  parentId?: string | null
  key?: string[] | null
  startAt?: Range | null
  dueAt?: Range | null
  dueOn?: Range | null
  createdAt?: Range | null
  updatedAt?: Range | null
  completedAt?: Range | null
  overdue?: boolean | null
  search?: string | null
  deleted?: boolean | null
  and?: Filter[] | null
  or?: Filter[] | null
  not?: Filter | null
}

export interface Order {
  field: 'CREATED_AT' | 'UPDATED_AT' | 'DUE_AT' | 'PRIORITY' | 'TITLE' | 'NUMBER' | 'RANK' | 'RELEVANCE'
  direction?: 'ASC' | 'DESC'
}

type Conditions = {
  [Name in keyof Filter]-?: (task: ModelTask, wanted: NonNullable<Filter[Name]>, world: World) => boolean
}

/** Context of a condition besides the task. */
interface World {
  viewer: ModelViewer
  tasks: readonly ModelTask[]
}

const CONDITIONS: Conditions = {
  status: (task, statuses) => statuses.includes(task.status),
  priority: ({ priority }, wanted) =>
    (wanted.in == null || wanted.in.includes(priority)) &&
    (wanted.gte == null || priority >= wanted.gte) &&
    (wanted.lte == null || priority <= wanted.lte),
  projectId: (task, id) => task.projectId === id.toLowerCase(),
  assigneeId: ({ assigneeIds }, people, { viewer }) =>
    people.some((one) => (one === 'none' ? assigneeIds.length === 0 : assigneeIds.includes(personOf(one, viewer)))),
  creatorId: ({ creatorId }, people, { viewer }) => people.some((one) => creatorId === personOf(one, viewer)),
  labelId: ({ labelIds }, { any, all }) =>
    (any == null || any.some((id) => labelIds.includes(id))) && (all ?? []).every((id) => labelIds.includes(id)),
  parentId: ({ parentId }, wanted, { tasks }) =>
    wanted === 'none'
      ? parentId === null
      : tasks.some(
          (parent) => parent.id === parentId && (parent.id === wanted.toLowerCase() || hasKey(parent, wanted)),
        ),
  key: (task, keys) => keys.some((key) => hasKey(task, key)),
  startAt: (task, range) => isIn(task.startAt, range),
  dueAt: (task, range) => isIn(task.dueAt, range),
  dueOn: (task, range) => isIn(task.dueOn, range),
  createdAt: (task, range) => isIn(task.createdAt, range),
  updatedAt: (task, range) => isIn(task.updatedAt, range),
  completedAt: (task, range) => isIn(task.completedAt, range),
  overdue: (task, wanted) => {
    const due = dueOf(task)
    return wanted === (['PENDING', 'IN_PROGRESS'].includes(task.status) && due !== null && due < new Date())
  },
  search: (task, words) => hasWords(task, words),
  // Handled by `tasksOfList`.
  deleted: () => true,
  and: (task, all, world) => all.every((one) => meets(task, one, world)),
  or: (task, all, world) => all.some((one) => meets(task, one, world)),
  not: (task, one, world) => !meets(task, one, world),
}

function meets(task: ModelTask, filter: Filter, world: World): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    const condition = CONDITIONS[name as keyof Filter] as (task: ModelTask, wanted: unknown, world: World) => boolean
    return wanted == null || condition(task, wanted, world)
  })
}

/** A day ends with its last millisecond in UTC. */
const dueOf = ({ dueAt, dueOn }: ModelTask) => dueAt ?? (dueOn && new Date(dueOn.getTime() + 86_399_999))

const personOf = (one: string, viewer: ModelViewer) => (one === 'me' ? viewer.id : one)

const hasKey = (task: ModelTask, key: string) => [task.key, ...task.formerKeys].includes(key.toUpperCase())

function isIn(time: Date | null, { gte, gt, lte, lt }: Range): boolean {
  const all = [
    [gte, (at: number, end: number) => at >= end],
    [gt, (at: number, end: number) => at > end],
    [lte, (at: number, end: number) => at <= end],
    [lt, (at: number, end: number) => at < end],
  ] as const
  return all.every(([end, holds]) => end == null || (time !== null && holds(time.getTime(), Date.parse(end))))
}

/** Matches each word, the last one as a prefix. Only correct for words without inflection. */
function hasWords({ title, description }: ModelTask, search: string): boolean {
  const found = wordsOf(`${title} ${description ?? ''}`)
  const wanted = wordsOf(search)
  const last = wanted.at(-1) ?? ''
  return wanted.slice(0, -1).every((word) => found.includes(word)) && found.some((word) => word.startsWith(last))
}

const wordsOf = (text: string): string[] =>
  text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? []

/** Returns all tasks of the list in no particular order. */
export function tasksOfList(tasks: readonly ModelTask[], filter: Filter, viewer: ModelViewer): ModelTask[] {
  return tasks.filter(
    (task) =>
      viewer.projectIds.includes(task.projectId) &&
      (task.deletedAt !== null) === (filter.deleted === true) &&
      meets(task, filter, { viewer, tasks }),
  )
}

type Compare = (a: ModelTask, b: ModelTask) => number

const VALUES: Record<Exclude<Order['field'], 'RELEVANCE'>, (task: ModelTask) => number | string | Date | null> = {
  CREATED_AT: (task) => task.createdAt,
  UPDATED_AT: (task) => task.updatedAt,
  DUE_AT: dueOf,
  PRIORITY: (task) => task.priority,
  TITLE: (task) => task.title,
  NUMBER: (task) => task.number,
  RANK: (task) => task.rank,
}

/** Compares tasks by the given order, by default oldest first. Breaks ties by id. */
export function comparing(orderBy: readonly Order[]): Compare {
  const terms: readonly Order[] = orderBy.length > 0 ? orderBy : [{ field: 'CREATED_AT' }]
  const turns = terms.map(({ direction }) => (direction === 'DESC' ? -1 : 1))
  return (a, b) => {
    for (const [index, { field }] of terms.entries()) {
      if (field === 'RELEVANCE') throw new Error('the model does not support RELEVANCE')
      const compared = compareValues(VALUES[field](a), VALUES[field](b), turns[index]!)
      if (compared !== 0) return compared
    }
    return turns.at(-1)! * compareText(a.id, b.id)
  }
}

/** Sorts null last in either direction. */
function compareValues(a: number | string | Date | null, b: typeof a, turn: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  return turn * (typeof a === 'string' ? compareText(a, String(b)) : Number(a) - Number(b))
}

/** Compares by code point, like UTF-8 bytes. JavaScript’s own order differs beyond U+FFFF. */
const compareText = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

export type Way = 'forwards' | 'backwards'

/** Returns the page after the cursor’s task, or before it when reading backwards. */
export function pageOf(list: readonly ModelTask[], compare: Compare, way: Way, size: number, cursor?: ModelTask) {
  const ahead = way === 'forwards'
  const left = cursor ? list.filter((task) => (ahead ? compare(task, cursor) > 0 : compare(task, cursor) < 0)) : list
  const more = left.length > size
  return {
    ids: (ahead ? left.slice(0, size) : left.slice(-size)).map((task) => task.id),
    // There is a page on the near side only if reading started from a cursor.
    hasNextPage: ahead ? more : cursor !== undefined,
    hasPreviousPage: ahead ? cursor !== undefined : more,
  }
}

/** Query for rows in the form of the model. */
export const MODEL_QUERY = { include: { formerKeys: true }, orderBy: { id: 'asc' } } satisfies Prisma.TaskFindManyArgs

export const toModel = ({ formerKeys, ...task }: Prisma.TaskGetPayload<typeof MODEL_QUERY>): ModelTask => ({
  ...task,
  formerKeys: formerKeys.map((former) => former.key),
})
