import type { GraphQLResolveInfo } from 'graphql'
import type { Viewer } from '../../auth/viewer.ts'
import { readLog, requireCursorInLog } from '../../events/log.ts'
import type { Prisma, Task } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { DEFAULT_PAGE } from '../../schema/lists.ts'
import { loadTaskOfEvent } from '../tasks/loader.ts'
import type { FollowEventsValues, ReadEventsValues } from './input.ts'
import { type DeliveredEvent, eventScope } from './scope.ts'
import { taskEventTypes } from './types.ts'

/** One page of the log, oldest event first. */
export interface EventPage {
  events: DeliveredEvent[]
  hasNextPage: boolean
  /** Where the next page starts. On an empty unfiltered page, where this page started. */
  endCursor: string | null
}

/**
 * Events read per query, and in all, for one filtered page. A page may end before it is full; its
 * `endCursor` says where to continue.
 */
const SCAN_BATCH = 500
const MAX_SCANNED = 5_000

/** Reads events visible to the viewer after the cursor `after`, oldest first. */
export async function readEvents(
  ctx: Context,
  { after: cursor, first, ...scope }: ReadEventsValues,
): Promise<EventPage> {
  const viewer = requireViewer(ctx)
  const size = first ?? DEFAULT_PAGE
  const { tail } = ctx.services
  const after = cursor == null ? 0n : await tail.positionOf(cursor)
  // Read the newest position before the memberships. An event committed after a removal then either
  // comes after it, or the removal is already visible.
  const newest = await tail.newest()
  const { where, select, filtered } = await eventScope(ctx, viewer, scope)
  const visible = await visibleEvents(ctx, viewer, where)
  const limit = filtered ? SCAN_BATCH : size + 1

  const found: DeliveredEvent[] = []
  let scanned = after
  for (let read = 0; found.length <= size && scanned < newest && read < MAX_SCANNED; read += limit) {
    const events = await readLog(ctx.db, { after: scanned, until: newest, limit, where: visible })
    for (const one of await Promise.all(events.map(select))) if (one) found.push(one)
    scanned = events.length < limit ? newest : (events.at(-1)?.position ?? newest)
  }
  // Check after reading: events may have been purged or lost in the meantime.
  if (cursor != null) {
    await tail.positionOf(cursor)
    await requireCursorInLog(ctx.db, after, newest)
  }

  const page = found.slice(0, size)
  const last = page.at(-1)
  const full = found.length > size
  const endsAt = full || !filtered ? last?.position : scanned
  return {
    events: page,
    hasNextPage: full || scanned < newest,
    endCursor: endsAt === undefined ? (cursor ?? null) : tail.cursor(endsAt),
  }
}

async function visibleEvents(
  ctx: Context,
  viewer: Viewer,
  where: Prisma.EventWhereInput,
): Promise<Prisma.EventWhereInput> {
  if (where.projectId) return where
  if (viewer.role === 'ADMIN') return { ...where, projectId: { not: null } }
  const memberships = await ctx.db.membership.findMany({ where: { userId: viewer.id }, select: { projectId: true } })
  return { ...where, projectId: { in: memberships.map((membership) => membership.projectId) } }
}

/** Returns the cursor of the newest event. Everything committed later comes after it. */
export async function newestCursor(ctx: Context): Promise<string> {
  requireViewer(ctx)
  const { tail } = ctx.services
  return tail.cursor(await tail.newest())
}

/**
 * Streams the events visible to the viewer, from `after` or from now on. Access is checked when an
 * event is delivered.
 */
export async function followEvents(
  ctx: Context,
  { after, ...scope }: FollowEventsValues,
): Promise<AsyncIterable<DeliveredEvent>> {
  const viewer = requireViewer(ctx)
  const { hub, tail, access, searchLimit } = ctx.services
  const { where, select, searches } = await eventScope(ctx, viewer, scope)
  // Fix the start before returning the stream: everything written after it opens is on it.
  const newest = await tail.newest()
  // Judge the cursor afterwards: an epoch that another server began is known only now.
  const given = after == null ? undefined : await tail.positionOf(after)
  if (given !== undefined) await requireCursorInLog(ctx.db, given, newest)
  const releaseSearches = searchLimit.acquire(viewer.id, searches)
  const seen = await access.watch(viewer).catch((error: unknown) => {
    releaseSearches()
    throw error
  })
  const { projectId } = scope
  return hub.subscribe({
    after: given ?? newest,
    ...(after != null && { cursor: after }),
    topics: projectId ? { now: () => [projectId.toLowerCase()], onChange: () => () => undefined } : seen.topics,
    where,
    select: (event) => (event.projectId !== null && seen.sees(event.projectId) ? select(event) : undefined),
    mayDeliver: ({ projectId }) => projectId !== null && seen.sees(projectId),
    onEnd() {
      seen.release()
      releaseSearches()
    },
  })
}

/** Returns the event's task in its current state, or null. */
export async function taskOfEvent(ctx: Context, event: DeliveredEvent, info: GraphQLResolveInfo): Promise<Task | null> {
  const id = taskIdOf(event)
  if (id === null || event.projectId === null) return null
  const task = await loadTaskOfEvent(ctx, { id, projectId: event.projectId }, info)
  // The task is newer than the event. Catch up with the log first: the viewer may have been removed
  // before the later changes were made.
  if (task && task.version > event.version) await ctx.services.tail.announce()
  return task
}

/** Returns the id of the event's task, or null if something else changed. */
export const taskIdOf = ({ type, subjectId }: DeliveredEvent) => (type.startsWith('task.') ? subjectId : null)

/** Streams only the events of tasks. */
export function followTasks(
  ctx: Context,
  scope: Omit<FollowEventsValues, 'types'>,
): Promise<AsyncIterable<DeliveredEvent>> {
  return followEvents(ctx, { ...scope, types: taskEventTypes() })
}
