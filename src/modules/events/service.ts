import type { Context, Viewer } from '../../context.ts'
import { decodeCursor, encodeCursor, type LoggedEvent, readLog, requireCursorInLog } from '../../events/log.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import { DEFAULT_PAGE } from '../../pagination.ts'
import { requireProject } from '../projects/policy.ts'
import { hasScope, requireViewer } from '../users/policy.ts'
import type { FollowTasksValues, ReadEventsValues } from './input.ts'

/** One page of the log, read forwards. */
export interface EventPage {
  events: LoggedEvent[]
  hasNextPage: boolean
  /** Where the next page starts; on an empty page where this one did. */
  endCursor: string | null
}

/** What is true of every event on a stream of tasks. */
const OF_TASKS = 'task.'

/** The log as the viewer may see it, oldest first, behind `after`. */
export async function readEvents(ctx: Context, scope: ReadEventsValues): Promise<EventPage> {
  const viewer = requireViewer(ctx)
  const first = scope.first ?? DEFAULT_PAGE
  const after = scope.after == null ? 0n : decodeCursor(scope.after)
  if (scope.projectId) await requireProject(ctx, scope.projectId, 'VIEWER', ['projectId'])
  const where = await visibleEvents(ctx, viewer, scope.projectId)
  const newest = await ctx.services.tail.sync()
  if (scope.after != null) await requireCursorInLog(ctx.db, after, newest)
  const events = await readLog(ctx.db, { after, until: newest, limit: first + 1, where })
  const page = events.slice(0, first)
  const last = page.at(-1)
  return {
    events: page,
    hasNextPage: events.length > first,
    endCursor: last ? encodeCursor(last.position) : (scope.after ?? null),
  }
}

/** An API key that may not read projects is told of tasks only: what happens to projects and members would show them. */
async function visibleEvents(
  ctx: Context,
  viewer: Viewer,
  projectId: string | null | undefined,
): Promise<Prisma.EventWhereInput> {
  const where = hasScope(viewer, 'projects:read') ? {} : { type: { startsWith: OF_TASKS } }
  if (projectId) return { ...where, projectId }
  if (viewer.role === 'ADMIN') return { ...where, projectId: { not: null } }
  const memberships = await ctx.db.membership.findMany({ where: { userId: viewer.id }, select: { projectId: true } })
  return { ...where, projectId: { in: memberships.map((membership) => membership.projectId) } }
}

/** The cursor of now: whatever is committed later comes behind it. */
export async function newestCursor(ctx: Context): Promise<string> {
  requireViewer(ctx)
  return encodeCursor(await ctx.services.tail.sync())
}

/** The task events the viewer may see, live; with `after`, from there on. Access is judged when an event is handed out. */
export async function followTasks(
  ctx: Context,
  { projectId, after }: FollowTasksValues,
): Promise<AsyncIterable<LoggedEvent>> {
  const viewer = requireViewer(ctx)
  const { hub, tail, access } = ctx.services
  const given = after == null ? undefined : decodeCursor(after)
  if (projectId) await requireProject(ctx, projectId, 'VIEWER', ['projectId'])
  // Known before the stream is handed out: what is written once it has answered is on it.
  const newest = await tail.sync()
  if (given !== undefined) await requireCursorInLog(ctx.db, given, newest)
  const seen = await access.watch(viewer)
  const events = hub.subscribe({
    after: given ?? newest,
    where: { type: { startsWith: OF_TASKS }, ...(projectId && { projectId }) },
    accepts: (event) =>
      event.projectId !== null &&
      event.type.startsWith(OF_TASKS) &&
      (!projectId || event.projectId === projectId) &&
      seen.sees(event.projectId),
  })
  return releasing(events, seen.release)
}

/** The same events; calls `release` once they end, however they do. */
function releasing<T>(events: AsyncGenerator<T, void, undefined>, release: () => void): AsyncIterableIterator<T, void> {
  return {
    async next() {
      try {
        const step = await events.next()
        if (step.done) release()
        return step
      } catch (error) {
        release()
        throw error
      }
    },
    return() {
      release()
      return events.return()
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
