import type { Database } from '../database/client.ts'
import { AppError } from '../gateway/errors.ts'
import { type Cursor, encodeCursor } from './log.ts'

/** A stretch of the log in which each position was given once. */
export interface Epoch {
  id: string
  /** Its positions are larger. */
  startsAfter: bigint
}

/**
 * The epochs of the log, oldest first. After a failover or a restore the log may go on from an earlier
 * state and give positions a second time. That begins an epoch, and a cursor names its own.
 */
export class Epochs {
  readonly #list: readonly Epoch[]

  constructor(list: readonly Epoch[]) {
    this.#list = list
  }

  get current(): Epoch | undefined {
    return this.#list.at(-1)
  }

  has(id: string | undefined): boolean {
    return id === undefined || this.#list.some((epoch) => epoch.id === id)
  }

  /** Returns the cursor of a position that is in the log, or was until it was purged. */
  cursor(position: bigint): string {
    const own = this.#list.findLast(({ startsAfter }) => startsAfter < position) ?? this.#list[0]
    return encodeCursor(position, own?.id)
  }

  /** Throws CURSOR_EXPIRED if the position has meanwhile been given, or may be, to another event. */
  require({ epoch, position }: Cursor): void {
    // Cursors had no epoch before there were any: they belong to the first.
    const index = epoch === undefined ? 0 : this.#list.findIndex(({ id }) => id === epoch)
    const later = this.#list.slice(index + 1)
    if (index >= 0 && later.every(({ startsAfter }) => position <= startsAfter)) return
    throw cursorLost()
  }
}

/** Returns the error for a client that has seen events which the log no longer has. */
export function cursorLost(): AppError {
  const message =
    'The event log went on from an earlier state, after a failover or a restore. Read your data again and follow from eventCursor.'
  return new AppError('CURSOR_EXPIRED', message, { path: ['after'] })
}

/**
 * Begins an epoch at the present end of the log, in the transaction of `db`. For whatever puts an
 * earlier state of the database in place of this one, such as a restore.
 */
export async function beginEpoch(db: Pick<Database, '$executeRaw'>): Promise<void> {
  await db.$executeRaw`SELECT start_event_epoch(coalesce(max("position"), 0)) FROM "Event"`
}
