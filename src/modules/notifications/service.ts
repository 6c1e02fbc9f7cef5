import { type LoggedEvent, requireCursorInLog } from '../../events/log.ts'
import { AppError } from '../../gateway/errors.ts'
import { type Notification, Prisma } from '../../generated/prisma/client.ts'
import type { Context } from '../../request/context.ts'
import { requireViewer } from '../../request/viewer.ts'
import { byTime, type Connection, loadPage } from '../../schema/lists.ts'
import { isId } from '../../schema/rules.ts'
import type { ListNotificationsValues, MarkNotificationsReadValues } from './input.ts'
import { visibleNotifications, visibleNotificationsSql } from './policy.ts'

type NotificationQuery = Pick<Prisma.NotificationFindManyArgs, 'select' | 'include'>

/** Lists the viewer's own notifications, newest first. */
export async function listNotifications(
  ctx: Context,
  { unread, kinds, ...page }: ListNotificationsValues,
  query: NotificationQuery,
): Promise<Connection<Notification>> {
  const conditions = [
    visibleNotificationsSql(requireViewer(ctx)),
    ...(unread == null
      ? []
      : [unread ? Prisma.sql`"Notification"."readAt" IS NULL` : Prisma.sql`"Notification"."readAt" IS NOT NULL`]),
    ...(kinds == null ? [] : [Prisma.sql`"Notification"."kind" = ANY (${kinds}::"NotificationKind"[])`]),
  ]
  return loadPage<Notification>(ctx.db, page, {
    table: 'Notification',
    where: Prisma.join(conditions, ' AND '),
    order: [byTime('createdAt', 'desc', 'Notification')],
    model: 'notification',
    query,
  })
}

export interface MarkedRead {
  /** How many were unread before. */
  marked: number
  unread: number
}

/**
 * Marks the viewer's notifications as read: these, or all. Throws NOT_FOUND, and marks none, if one
 * of the ids is not theirs.
 */
export async function markNotificationsRead(ctx: Context, { ids }: MarkNotificationsReadValues): Promise<MarkedRead> {
  const viewer = requireViewer(ctx)
  const own = visibleNotifications(viewer)
  if (ids) await requireOwn(ctx, ids, own)
  const where = { ...own, readAt: null, ...(ids && { id: { in: ids.map((id) => id.toLowerCase()) } }) }
  const { count } = await ctx.db.notification.updateMany({ where, data: { readAt: new Date() } })
  return { marked: count, unread: ids ? await ctx.db.notification.count({ where: { ...own, readAt: null } }) : 0 }
}

async function requireOwn(ctx: Context, ids: readonly string[], own: Prisma.NotificationWhereInput): Promise<void> {
  const wanted = ids.filter(isId).map((id) => id.toLowerCase())
  const found = await ctx.db.notification.findMany({ where: { ...own, id: { in: wanted } }, select: { id: true } })
  const known = new Set(found.map(({ id }) => id))
  const issues = ids.flatMap((id, index) =>
    known.has(id.toLowerCase())
      ? []
      : [
          {
            path: ['ids', index],
            code: 'not_found',
            message: `Notification ${JSON.stringify(id)} does not exist or you cannot see it.`,
          },
        ],
  )
  if (issues.length > 0) throw new AppError('NOT_FOUND', issues.map(({ message }) => message).join(' '), { issues })
}

/** A notification as a stream delivers it, with its place in the stream. */
export type DeliveredNotification = Notification & { cursor?: string }

/** Streams the viewer's own notifications, from `after` or from now on. */
export async function followNotifications(
  ctx: Context,
  after: string | null | undefined,
): Promise<AsyncIterable<DeliveredNotification>> {
  const viewer = requireViewer(ctx)
  const { db, hub, tail } = ctx.services
  const newest = await tail.newest()
  // Judge the cursor afterwards: an epoch that another server began is known only now.
  const given = after == null ? undefined : await tail.positionOf(after)
  if (given !== undefined) await requireCursorInLog(db, given, newest)
  const own = ({ type, subjectId }: LoggedEvent) => type === 'notification.created' && subjectId === viewer.id
  return hub.subscribe<DeliveredNotification>({
    after: given ?? newest,
    ...(after != null && { cursor: after }),
    topics: { now: () => [viewer.id], onChange: () => () => undefined },
    where: { type: 'notification.created', subjectId: viewer.id },
    async select(event) {
      if (!own(event)) return undefined
      // Read now: it may have been deleted, and its task may be hidden by now.
      const where = { ...visibleNotifications(viewer), id: String(event.state?.id) }
      const found = await db.notification.findFirst({ where })
      return found ? { ...found, cursor: tail.cursor(event.position) } : undefined
    },
  })
}

/** Notifications deleted per statement. */
const PURGE_BATCH = 1_000

/** Deletes notifications that were read, or never to be seen, before a time. Returns how many. */
export async function purgeNotifications(db: Context['db'], before: Date, signal: AbortSignal): Promise<number> {
  let total = 0
  for (let count = PURGE_BATCH; count === PURGE_BATCH && !signal.aborted; total += count) {
    count = await db.$executeRaw`DELETE FROM "Notification" WHERE "id" IN (
      (SELECT "id" FROM "Notification" WHERE "readAt" < ${before} LIMIT ${PURGE_BATCH}::int)
      UNION ALL (SELECT "id" FROM "Notification" WHERE NOT "inProduct" AND "createdAt" < ${before} LIMIT ${PURGE_BATCH}::int)
      LIMIT ${PURGE_BATCH}::int)`
  }
  return total
}
