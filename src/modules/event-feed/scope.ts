import type { Viewer } from '../../auth/viewer.ts'
import type { LoggedEvent } from '../../events/log.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireProject } from '../projects/policy.ts'
import { createMatcher, type FilterMatch, searchesOf } from '../tasks/filter/matcher.ts'
import { resolveFilter } from '../tasks/filter/resolve.ts'
import type { FollowEventsValues } from './input.ts'
import { typesInScope } from './policy.ts'

/** An event as delivered: with its `match`, if a filter was given. */
export interface DeliveredEvent extends LoggedEvent {
  match?: FilterMatch
}

/** The requested part of the log. Does not include the check of which projects the viewer sees. */
export interface EventScope {
  /** Narrows the query on the log. `select` still has to check each event. */
  where: Prisma.EventWhereInput
  /** Returns the event as it is delivered, or undefined if it is out of scope. */
  select(event: LoggedEvent): DeliveredEvent | undefined | Promise<DeliveredEvent | undefined>
  /** True if `where` alone cannot decide which events are in scope. */
  filtered: boolean
  /** The texts that the filter searches for. */
  searches: readonly string[]
}

/**
 * Resolves the requested scope. Throws NOT_FOUND if the project, or something the filter names,
 * does not exist or is not visible to the viewer.
 */
export async function eventScope(
  ctx: Context,
  viewer: Viewer,
  { projectId, filter, types }: Omit<FollowEventsValues, 'after'>,
): Promise<EventScope> {
  if (projectId) await requireProject(ctx, projectId, 'VIEWER', ['projectId'])
  const wanted = typesInScope(viewer, types, filter != null)
  const where = { ...(wanted && { type: { in: [...wanted] } }), ...(projectId && { projectId }) }
  const isWanted = (event: LoggedEvent) =>
    event.projectId !== null &&
    (!projectId || event.projectId === projectId.toLowerCase()) &&
    (!wanted || wanted.has(event.type))
  if (filter == null) {
    return { where, filtered: false, searches: [], select: (event) => (isWanted(event) ? event : undefined) }
  }
  const resolved = await resolveFilter(ctx, { values: filter, path: ['filter'] })
  const match = createMatcher(ctx.services.db, resolved)
  return {
    where,
    filtered: true,
    searches: searchesOf(resolved),
    select(event) {
      if (!isWanted(event)) return undefined
      const found = match(event)
      return found instanceof Promise ? found.then((one) => deliver(event, one)) : deliver(event, found)
    },
  }
}

/** Caches one object per event and match, so that subscribers can share the result made from it. */
const delivered = new WeakMap<LoggedEvent, Map<FilterMatch, DeliveredEvent>>()

function deliver(event: LoggedEvent, match: FilterMatch | undefined): DeliveredEvent | undefined {
  if (match === undefined) return undefined
  const byMatch = delivered.get(event) ?? new Map<FilterMatch, DeliveredEvent>()
  delivered.set(event, byMatch)
  const matched = byMatch.get(match) ?? { ...event, match }
  byMatch.set(match, matched)
  return matched
}
