import type { Context, Viewer } from '../../context.ts'
import { decodeCursor, encodeCursor, readLog, requireCursorInLog } from '../../events/log.ts'
import type { Prisma, Task } from '../../generated/prisma/client.ts'
import { DEFAULT_PAGE } from '../../pagination.ts'
import { requireViewer } from '../users/policy.ts'
import type { FollowEventsValues, ReadEventsValues } from './input.ts'
import { eventScope, type ToldEvent } from './scope.ts'
import { TASK_EVENTS } from './types.ts'

/** One page of the log, read forwards. */
export interface EventPage {
  events: ToldEvent[]
  hasNextPage: boolean
  /** Where the next page starts; on an empty page where this one did. */
  endCursor: string | null
}

/** Events looked at for one filtered page, at once and in all: a page may end before it is full, and says where to go on. */
const LOOK_AT = 500
const MOST_LOOKED_AT = 5_000

/** The log as the viewer may see it, oldest first, behind `after`. */
export async function readEvents(
  ctx: Context,
  { after: cursor, first, ...asked }: ReadEventsValues,
): Promise<EventPage> {
  const viewer = requireViewer(ctx)
  const size = first ?? DEFAULT_PAGE
  const after = cursor == null ? 0n : decodeCursor(cursor)
  // Before access is looked up: what is committed after a removal comes behind this, or the removal is seen.
  const newest = await ctx.services.tail.newest()
  const { where, select, filtered } = await eventScope(ctx, viewer, asked)
  const visible = await visibleEvents(ctx, viewer, where)
  const limit = filtered ? LOOK_AT : size + 1

  const found: ToldEvent[] = []
  let scanned = after
  for (let looked = 0; found.length <= size && scanned < newest && looked < MOST_LOOKED_AT; looked += limit) {
    const events = await readLog(ctx.db, { after: scanned, until: newest, limit, where: visible })
    for (const one of await Promise.all(events.map(select))) if (one) found.push(one)
    scanned = events.length < limit ? newest : (events.at(-1)?.position ?? newest)
  }
  // After reading: what was purged meanwhile might be missing.
  if (cursor != null) await requireCursorInLog(ctx.db, after, newest)

  const page = found.slice(0, size)
  const last = page.at(-1)
  const full = found.length > size
  const endsAt = full || !filtered ? last?.position : scanned
  return {
    events: page,
    hasNextPage: full || scanned < newest,
    endCursor: endsAt === undefined ? (cursor ?? null) : encodeCursor(endsAt),
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

/** The cursor of now: whatever is committed later comes behind it. */
export async function newestCursor(ctx: Context): Promise<string> {
  requireViewer(ctx)
  return encodeCursor(await ctx.services.tail.newest())
}

/** The events the viewer may see, live; with `after`, from there on. Access is judged when an event is handed out. */
export async function followEvents(
  ctx: Context,
  { after, ...asked }: FollowEventsValues,
): Promise<AsyncIterable<ToldEvent>> {
  const viewer = requireViewer(ctx)
  const { hub, tail, access } = ctx.services
  const given = after == null ? undefined : decodeCursor(after)
  const { where, select } = await eventScope(ctx, viewer, asked)
  // Known before the stream is handed out: what is written once it has answered is on it.
  const newest = await tail.newest()
  if (given !== undefined) await requireCursorInLog(ctx.db, given, newest)
  const seen = await access.watch(viewer)
  const { projectId } = asked
  return hub.subscribe({
    after: given ?? newest,
    topics: projectId ? { now: () => [projectId.toLowerCase()], onChange: () => () => undefined } : seen.topics,
    where,
    select: (event) => (event.projectId !== null && seen.sees(event.projectId) ? select(event) : undefined),
    stands: ({ projectId }) => projectId !== null && seen.sees(projectId),
    onEnd: seen.release,
  })
}

/** The task that an event happened to, as it is now. */
export async function taskOfEvent({ loaders, services }: Context, event: ToldEvent): Promise<Task | null> {
  const id = taskIdOf(event)
  if (id === null || event.projectId === null) return null
  const task = await loaders.taskOfEvent.load({ id, projectId: event.projectId })
  // It tells of later changes than the event: a stream must know whether they were made after a removal.
  if (task && task.version > event.version) await services.tail.learn()
  return task
}

/** Null for an event of something else. */
export const taskIdOf = ({ type, subjectId }: ToldEvent) => (type.startsWith('task.') ? subjectId : null)

/** Only the events of tasks. */
export function followTasks(ctx: Context, asked: Omit<FollowEventsValues, 'types'>): Promise<AsyncIterable<ToldEvent>> {
  return followEvents(ctx, { ...asked, types: TASK_EVENTS })
}
