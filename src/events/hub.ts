import type { Database } from '../database/client.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import type { LoggedEvent } from './log.ts'
import { EventStream } from './stream.ts'
import type { EventTail } from './tail.ts'

export interface SubscribeOptions {
  /** Start behind this position; without it, at the end of the log as it is now. */
  after?: bigint
  /** Whether the subscriber is to see an event; asked when it is handed out, after EventTail listeners that are not `last`. */
  accepts(event: LoggedEvent): boolean
  /** What `accepts` can be true for, to read less of the log when resuming. */
  where?: Prisma.EventWhereInput
  signal?: AbortSignal
  /** The reader fell too far behind. It hears of it when it next reads; whoever drives it may not want to wait for that. */
  onOverflow?: () => void
}

/** Hands the log out to any number of subscribers. */
export interface EventHub {
  /**
   * The events a subscriber accepts, in log order, none left out and none twice: first those behind `after` from the log, then
   * the live ones. Reads nothing ahead while it resumes; live, it queues at most `maxQueue` events, and then ends with a
   * SlowReaderError. CURSOR_EXPIRED when the log no longer reaches back to `after`. It needs no clean-up unless it was read from.
   */
  subscribe(options: SubscribeOptions): AsyncGenerator<LoggedEvent, void, undefined>
  /** The streams being read. */
  readonly size: number
  /** Ends every stream, as if its events had ended. */
  close(): void
}

export function createHub(tail: EventTail, db: Pick<Database, 'event'>, { maxQueue = 1_000 } = {}): EventHub {
  const open = new Set<EventStream>()
  let closed = false

  const stop = tail.onBatch(
    (events) => {
      for (const stream of open) stream.push(events)
    },
    { last: true },
  )

  return {
    subscribe(options) {
      // "Now" is the time of this call, not that of the first read.
      const start = options.after === undefined ? tail.sync() : Promise.resolve(options.after)
      // Reported by the first read, if there is one.
      start.catch(() => {})
      const stream = new EventStream({
        tail,
        db,
        maxQueue,
        start,
        options,
        opened: (one) => open.add(one),
        ended: (one) => open.delete(one),
      })
      if (closed) void stream.return()
      return stream
    },
    get size() {
      return open.size
    },
    close() {
      closed = true
      stop()
      for (const stream of open) void stream.return()
    },
  }
}
