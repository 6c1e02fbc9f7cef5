import type { Context, Viewer } from '../../context.ts'
import type { LoggedEvent } from '../../events/log.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import { requireProject } from '../projects/policy.ts'
import { resolveFilter } from '../tasks/filter.ts'
import { type FilterMatch, matcherOf } from '../tasks/matches.ts'
import { hasScope } from '../users/policy.ts'
import type { FollowEventsValues } from './input.ts'
import { TASK_EVENTS, typesNamed } from './types.ts'

/** An event as it is told: with what it is to the filter, where there is one. */
export interface ToldEvent extends LoggedEvent {
  match?: FilterMatch
}

/** The part of the log that was asked for, but for who may see which project. */
export interface EventScope {
  /** What can be in it, for reading less of the log. */
  where: Prisma.EventWhereInput
  /** What the event is told as; undefined for one that is not in it. */
  select(event: LoggedEvent): ToldEvent | undefined | Promise<ToldEvent | undefined>
  /** Whether what is in it can only be told by looking at each event. */
  filtered: boolean
}

/**
 * Looks up what was asked for. NOT_FOUND for a project, or what a filter names, that is not there or not to be seen. An API key that may
 * not read projects is told of tasks only: what happens to projects and members would show them.
 */
export async function eventScope(
  ctx: Context,
  viewer: Viewer,
  { projectId, filter, types }: Omit<FollowEventsValues, 'after'>,
): Promise<EventScope> {
  if (projectId) await requireProject(ctx, projectId, 'VIEWER', ['projectId'])
  const wanted = typesWanted(viewer, types, filter != null)
  const where = { ...(wanted && { type: { in: [...wanted] } }), ...(projectId && { projectId }) }
  const isWanted = (event: LoggedEvent) =>
    event.projectId !== null &&
    (!projectId || event.projectId === projectId.toLowerCase()) &&
    (!wanted || wanted.has(event.type))
  if (filter == null) return { where, filtered: false, select: (event) => (isWanted(event) ? event : undefined) }
  const match = matcherOf(ctx.services.db, await resolveFilter(ctx, filter))
  return {
    where,
    filtered: true,
    select(event) {
      if (!isWanted(event)) return undefined
      const found = match(event)
      return found instanceof Promise ? found.then((one) => tell(event, one)) : tell(event, found)
    },
  }
}

/** Undefined: all. */
function typesWanted(
  viewer: Viewer,
  types: readonly string[] | null | undefined,
  tasksOnly: boolean,
): ReadonlySet<string> | undefined {
  const ofTasks = tasksOnly || !hasScope(viewer, 'projects:read')
  if (types == null) return ofTasks ? new Set(TASK_EVENTS) : undefined
  const named = typesNamed(types)
  return new Set(ofTasks ? named.filter((type) => TASK_EVENTS.includes(type)) : named)
}

/** One object for all who are told the same, so that they can share what is made of it. */
const told = new WeakMap<LoggedEvent, Map<FilterMatch, ToldEvent>>()

function tell(event: LoggedEvent, match: FilterMatch | undefined): ToldEvent | undefined {
  if (match === undefined) return undefined
  const ways = told.get(event) ?? new Map<FilterMatch, ToldEvent>()
  told.set(event, ways)
  const way = ways.get(match) ?? { ...event, match }
  ways.set(match, way)
  return way
}
