import type { Database } from '../database/client.ts'
import { AppError } from '../gateway/errors.ts'
import type { Prisma } from '../generated/prisma/client.ts'

/** One change in the event log. */
export interface LoggedEvent {
  /** Position in the log, counted from 1 without gaps. */
  position: bigint
  /** Noun and past-tense verb, like "member.removed". */
  type: string
  /** Null for an internal event, which no client sees. */
  projectId: string | null
  subjectId: string
  actorId: string | null
  /** The subject's version after the change. */
  version: number
  changes: Record<string, { from: unknown; to: unknown }>
  at: Date
  /** Columns of the subject that the trigger recorded for filters, or null. */
  state: Record<string, unknown> | null
}

export interface ReadLogOptions {
  /** Read events after this position. 0 is before the first event. */
  after: bigint
  /** The last position to read. */
  until?: bigint
  limit: number
  where?: Prisma.EventWhereInput
}

const CURSOR = /^event:(?:([\da-f]{12}):)?(0|[1-9]\d{0,18})$/
const NEWEST_POSSIBLE = 2n ** 63n - 1n

/** What a cursor stands for. */
export interface Cursor {
  /** Undefined in cursors of releases that knew no epochs. */
  epoch: string | undefined
  position: bigint
}

/** Encodes a position as an opaque cursor, which clients pass back as `after`. */
export function encodeCursor(position: bigint, epoch?: string): string {
  return Buffer.from(epoch === undefined ? `event:${position}` : `event:${epoch}:${position}`).toString('base64url')
}

/** Decodes a cursor. Throws VALIDATION_FAILED for text that encodeCursor did not produce. */
export function decodeCursor(text: string): Cursor {
  const [, epoch, digits] = CURSOR.exec(Buffer.from(text, 'base64url').toString()) ?? []
  const position = digits === undefined ? undefined : BigInt(digits)
  // Buffer ignores invalid base64 characters. Accept only text that encodes back to itself.
  if (position === undefined || position > NEWEST_POSSIBLE || encodeCursor(position, epoch) !== text) {
    throw new AppError('VALIDATION_FAILED', 'This is not a cursor of the event log.', { path: ['after'] })
  }
  return { epoch, position }
}

/** Reads events in log order. Events without a position are not included: see EventTail.sync. */
export async function readLog(db: Pick<Database, 'event'>, options: ReadLogOptions): Promise<LoggedEvent[]> {
  const rows = await db.event.findMany({
    where: {
      ...options.where,
      AND: [options.where?.AND ?? [], { position: { gt: options.after, lte: options.until } }].flat(),
    },
    orderBy: { position: 'asc' },
    take: options.limit,
    omit: { seq: true, aboutId: true, alsoAboutId: true },
  })
  return rows.map((row) => ({
    ...row,
    position: row.position ?? 0n,
    // Only triggers write these columns, in this form. Prisma types them as plain JSON.
    changes: row.changes as LoggedEvent['changes'],
    state: row.state as LoggedEvent['state'],
  }))
}

/**
 * Logs an event that no client sees, in the transaction of `db`. For work that a server does later:
 * the log keeps it until then, and wakes every server.
 */
export async function logInternal(
  db: Pick<Database, 'event'>,
  { state, ...event }: Pick<LoggedEvent, 'type' | 'subjectId' | 'actorId'> & { state: Prisma.InputJsonObject },
): Promise<void> {
  await db.event.create({ data: { ...event, projectId: null, version: 1, changes: {}, state }, select: { seq: true } })
}

/** Returns the position of the oldest event in the log, or null if the log is empty. */
export async function oldestPosition(db: Pick<Database, 'event'>): Promise<bigint | null> {
  const first = await db.event.findFirst({
    where: { position: { gt: 0n } },
    orderBy: { position: 'asc' },
    select: { position: true },
  })
  return first?.position ?? null
}

/**
 * Throws CURSOR_EXPIRED (410) if events after `after` have been purged, or if the log ends before
 * `after`: then the cursor is from another log, or from before a restore of a backup. The tail judges
 * the epoch of a cursor.
 */
export async function requireCursorInLog(db: Pick<Database, 'event'>, after: bigint, newest: bigint): Promise<void> {
  const oldest = await oldestPosition(db)
  if (after > newest || (oldest !== null && oldest > after + 1n)) {
    throw new AppError(
      'CURSOR_EXPIRED',
      'The event log no longer reaches back to this cursor. Read your data again and follow from eventCursor.',
      {
        path: ['after'],
      },
    )
  }
}

/** Maximum number of events deleted per statement. Keeps each statement short. */
const PURGE_BATCH = 1_000

/**
 * Deletes events older than `before` from the start of the log. Returns how many. Keeps the newest
 * event, from which the next position derives, and events without a position.
 */
export async function purgeLog(db: Database, before: Date, signal: AbortSignal): Promise<number> {
  let total = 0
  for (let count = PURGE_BATCH; count === PURGE_BATCH && !signal.aborted; total += count) {
    // Times are not strictly in position order. Delete only a prefix: a hole would look like a
    // complete log to a resuming client.
    count = await db.$executeRaw`
      WITH oldest AS (SELECT "position", "at" FROM "Event" WHERE "position" IS NOT NULL ORDER BY "position" LIMIT ${PURGE_BATCH}),
        kept AS (SELECT min("position") AS "first" FROM (
          SELECT "position" FROM oldest WHERE "at" >= ${before}
          UNION ALL SELECT max("position") FROM "Event") AS kept)
      DELETE FROM "Event" USING kept
        WHERE "position" IN (SELECT "position" FROM oldest) AND "position" < kept."first"`
  }
  return total
}
