import type { DatabaseHandle } from '../database/client.ts'
import { type Log, SILENT } from '../database/connection.ts'
import { type LoggedEvent, readLog } from './log.ts'

export type BatchListener = (events: readonly LoggedEvent[]) => void

/** Follows the log from its end at the time of creation. */
export interface EventTail {
  /** The newest position handed out. */
  readonly position: bigint
  /** Look now: something was written. Returns at once. */
  wake(): void
  /**
   * Resolves, with the newest position, when all that was committed before the call has been handed out. Rejects when
   * the database fails. Not to be called inside a transaction: on a pool of one it would wait for its own connection.
   */
  sync(): Promise<bigint>
  /**
   * Calls `listener` with each batch, in log order, synchronously. Those with `last` run after all others, so that what
   * they ask the others is up to date with the whole batch. Answers the way to stop.
   */
  onBatch(listener: BatchListener, options?: { last?: boolean }): () => void
  close(): Promise<void>
}

export interface TailOptions {
  /** How often to look for writers that announce nothing, on PostgreSQL. */
  pollMs?: number
  log?: Log
}

const CHANNEL = 'taskwire_events'

/** Events given a position, and read, in one statement each. */
const BATCH = 1_000

/** No other process writes to the embedded database; a writer in this one may still forget to wake us. */
const EMBEDDED_POLL_MS = 1_000

/** Starts following the log. Rejects when the database fails now; later failures are logged and outlived. */
export async function createTail(handle: DatabaseHandle, options: TailOptions = {}): Promise<EventTail> {
  const { db } = handle
  const log = options.log ?? SILENT
  const pollMs = handle.embedded ? EMBEDDED_POLL_MS : (options.pollMs ?? 250)
  const listeners = { first: new Set<BatchListener>(), last: new Set<BatchListener>() }

  let position = 0n
  let waiting: { resolve: (position: bigint) => void; reject: (error: unknown) => void }[] = []
  let wanted = false
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let failing = false
  let closed = false

  async function assign(): Promise<bigint> {
    const [row] = await db.$queryRaw<{ newest: bigint }[]>`SELECT assign_event_positions(${BATCH}::integer) AS newest`
    return row?.newest ?? 0n
  }

  function deliver(events: LoggedEvent[]): void {
    for (const listener of [...listeners.first, ...listeners.last]) {
      try {
        listener(events)
      } catch (error) {
        log.error({ err: error }, 'a listener of the event log failed')
      }
    }
  }

  /** Hands out all that is committed now. */
  async function pass(): Promise<void> {
    for (let more = true; more; ) {
      const before = position
      const newest = await assign()
      while (position < newest) {
        const events = await readLog(db, { after: position, until: newest, limit: BATCH })
        if (events.length > 0) deliver(events)
        // Fewer than asked for: the rest of the range is not in the log (any more).
        position = events.length < BATCH ? newest : (events.at(-1)?.position ?? newest)
      }
      // Positions have no gaps: as many as a batch holds may mean that there was more than a batch.
      more = newest - before >= BigInt(BATCH)
    }
  }

  /** One at a time; a call that comes while one runs is served by the next, which begins after the call. */
  async function run(): Promise<void> {
    while ((wanted || waiting.length > 0) && !closed) {
      wanted = false
      const served = waiting
      waiting = []
      try {
        await pass()
        for (const { resolve } of served) resolve(position)
        if (failing) log.info({}, 'following the event log again')
        failing = false
      } catch (error) {
        for (const { reject } of served) reject(error)
        if (!failing && !closed) log.error({ err: error }, 'cannot follow the event log; trying again')
        failing = true
        break
      }
    }
    running = undefined
    if (!closed) timer = setTimeout(wake, pollMs).unref()
  }

  function start(): void {
    if (running || closed) return
    clearTimeout(timer)
    running = run()
  }

  function wake(): void {
    wanted = true
    start()
  }

  for (let newest = await assign(); newest > position; newest = await assign()) position = newest
  const listener = await handle.listen(CHANNEL, wake)
  wake()

  return {
    get position() {
      return position
    },
    wake,
    sync() {
      if (closed) return Promise.reject(new Error('the tail of the event log is closed'))
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        start()
      })
    },
    onBatch(listener, { last = false } = {}) {
      const set = last ? listeners.last : listeners.first
      set.add(listener)
      return () => void set.delete(listener)
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await listener.close()
      await running
      for (const { reject } of waiting) reject(new Error('the tail of the event log is closed'))
      waiting = []
    },
  }
}
