import type { Database } from '../database/client.ts'
import { AppError } from '../gateway/errors.ts'
import type { Prisma } from '../generated/prisma/client.ts'

/** One change, as the log holds it. */
export interface LoggedEvent {
  /** Its place in the log, counted from 1 without gaps. */
  position: bigint
  /** Noun and past-tense verb, like "member.removed". */
  type: string
  /** Null: internal, shown to nobody. */
  projectId: string | null
  subjectId: string
  actorId: string | null
  /** The subject's version after the change. */
  version: number
  changes: Record<string, { from: unknown; to: unknown }>
  at: Date
  /** What the writer's trigger kept of the subject for filters, by column; null where it keeps nothing. */
  state: Record<string, unknown> | null
}

export interface ReadLogOptions {
  /** Read events behind this position; 0 is before the first. */
  after: bigint
  /** The last position to read. */
  until?: bigint
  limit: number
  where?: Prisma.EventWhereInput
}

const CURSOR = /^event:(0|[1-9]\d{0,18})$/
const NEWEST_POSSIBLE = 2n ** 63n - 1n

/** A position as clients see it: opaque, to be handed back as `after`. */
export function encodeCursor(position: bigint): string {
  return Buffer.from(`event:${position}`).toString('base64url')
}

/** The position of a cursor. Throws VALIDATION_FAILED for one that encodeCursor did not make. */
export function decodeCursor(text: string): bigint {
  const digits = CURSOR.exec(Buffer.from(text, 'base64url').toString())?.[1]
  const position = digits === undefined ? undefined : BigInt(digits)
  // Decoding base64 skips what is no base64: only the text we would write ourselves is a cursor.
  if (position === undefined || position > NEWEST_POSSIBLE || encodeCursor(position) !== text) {
    throw new AppError('VALIDATION_FAILED', 'This is not a cursor of the event log.', { path: ['after'] })
  }
  return position
}

/** Events in log order. What has no position yet is not there: see EventTail.sync. */
export async function readLog(db: Pick<Database, 'event'>, options: ReadLogOptions): Promise<LoggedEvent[]> {
  const rows = await db.event.findMany({
    where: {
      ...options.where,
      AND: [options.where?.AND ?? [], { position: { gt: options.after, lte: options.until } }].flat(),
    },
    orderBy: { position: 'asc' },
    take: options.limit,
    omit: { seq: true },
  })
  return rows.map((row) => ({
    ...row,
    position: row.position ?? 0n,
    // Both are written by the triggers alone, in this form; Prisma knows them only as JSON.
    changes: row.changes as unknown as LoggedEvent['changes'],
    state: row.state as LoggedEvent['state'],
  }))
}

/** The position of the oldest event still in the log, or null when it is empty. */
export async function oldestPosition(db: Pick<Database, 'event'>): Promise<bigint | null> {
  const first = await db.event.findFirst({
    where: { position: { gt: 0n } },
    orderBy: { position: 'asc' },
    select: { position: true },
  })
  return first?.position ?? null
}

/**
 * Throws CURSOR_EXPIRED (410) when events behind `after` are gone, or when the log ends before it: then it is the
 * cursor of another log, or of this one before it was restored from a backup.
 */
export async function requireCursorInLog(db: Pick<Database, 'event'>, after: bigint, newest: bigint): Promise<void> {
  const oldest = await oldestPosition(db)
  if (after > newest || (oldest !== null && oldest > after + 1n)) {
    throw new AppError(
      'CURSOR_EXPIRED',
      'The log does not reach back to this cursor. Read the current state, then follow from its cursor.',
      {
        path: ['after'],
      },
    )
  }
}

/** Events deleted in one statement: each is short, so that nothing waits for it. */
const PURGE_BATCH = 1_000

/**
 * Takes what is older than `before` from the beginning of the log, and answers how many events that were. The newest stays: the next
 * position derives from it. What has no position yet is not old.
 */
export async function purgeLog(db: Database, before: Date, signal: AbortSignal): Promise<number> {
  let total = 0
  for (let count = PURGE_BATCH; count === PURGE_BATCH && !signal.aborted; total += count) {
    // The times of events are not quite in the order of their positions, and a hole would pass for a log that reaches back.
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
