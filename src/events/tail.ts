import type { DatabaseHandle } from '../database/client.ts'
import { type Log, SILENT } from '../database/connection.ts'
import { AppError } from '../gateway/errors.ts'
import { coalesce } from './coalesce.ts'
import { Epochs } from './epochs.ts'
import { decodeCursor, type LoggedEvent, readLog } from './log.ts'

export type BatchListener = (events: readonly LoggedEvent[]) => void
/** Delivery waits for the returned promise, if any. */
export type EventListener = (event: LoggedEvent) => undefined | Promise<void>

/** Follows the log, starting at its end at the time of creation. */
export interface EventTail {
  /** The newest delivered position. */
  readonly position: bigint
  /**
   * True while the batch listeners are known to have heard of everything that this process
   * committed, except for writes that keep viewers, and of all that others committed until a moment
   * ago.
   */
  readonly current: boolean
  /**
   * Checks the log now, because something was written. Returns at once. `keepsViewers` says that
   * the write cannot have changed who a credential belongs to or what its owner may do.
   */
  wake(write?: { keepsViewers: boolean }): void
  /** Returns the cursor of a position. */
  cursor(position: bigint): string
  /**
   * Returns the position after which a client resumes. Throws VALIDATION_FAILED for an invalid cursor,
   * and CURSOR_EXPIRED for one whose position was given a second time.
   */
  positionOf(cursor: string): Promise<bigint>
  /** Returns the position of the newest event committed before the call, delivered or not. */
  newest(): Promise<bigint>
  /**
   * Resolves with the newest position once everything committed before the call is delivered.
   * Rejects if the database fails. Do not call it inside a transaction: with a pool of one it
   * would wait for its own connection.
   */
  sync(): Promise<bigint>
  /**
   * Resolves once everything committed before the call is passed to the batch listeners, which is
   * earlier than delivery.
   */
  announce(): Promise<void>
  /**
   * Calls back with all events in batches, in log order. A batch listener gets every event before
   * event listeners get any event committed by then. Returns a function that stops listening.
   */
  onBatch(listener: BatchListener): () => void
  /**
   * Calls back with each event, in log order. By then the batch listeners have got everything
   * committed before the event.
   */
  onEvent(listener: EventListener): () => void
  /**
   * Calls back when the log has lost events that were delivered: after a failover or a restore. What
   * was derived from them no longer counts.
   */
  onRewind(listener: () => void): void
  close(): Promise<void>
}

export interface TailOptions {
  /** Poll interval on PostgreSQL, which finds writes that were not announced. */
  pollMs?: number
  log?: Log
}

const CHANNEL = 'taskwire_events'

/** Maximum number of events per statement that assigns positions or reads. */
const BATCH = 1_000

/** Poll interval on the embedded database, in case a writer of this process does not call wake. */
const EMBEDDED_POLL_MS = 1_000

/** How long a check of the log counts. On the embedded database nobody else writes. */
const CURRENT_MS = 500
const EMBEDDED_CURRENT_MS = 1_500

const stopping = () => new AppError('UNAVAILABLE', 'The server is stopping.')

/** Part of the log: all events up to `end`. */
interface Part {
  events: LoggedEvent[]
  end: bigint
}

/**
 * Starts following the log. Rejects if the database fails now. Later failures are
 * logged and retried.
 */
export async function createTail(handle: DatabaseHandle, options: TailOptions = {}): Promise<EventTail> {
  // The log must be followed also while requests use up all other connections.
  const { reserved: db } = handle
  const log = options.log ?? SILENT
  const pollMs = handle.embedded ? EMBEDDED_POLL_MS : (options.pollMs ?? 250)
  const batchListeners = new Set<BatchListener>()
  const eventListeners = new Set<EventListener>()
  const rewindListeners = new Set<() => void>()

  const currentMs = handle.embedded ? EMBEDDED_CURRENT_MS : CURRENT_MS
  /** Number of writes that may change viewers; how many the last complete check of the log covers. */
  let writes = 0
  let checkedWrites = 0
  /** When that check began, by `performance.now()`. */
  let checkedAt = -Infinity

  let epochs = new Epochs([])
  /** The epochs of what is delivered before the tail goes back. */
  let followed = epochs
  let position = 0n
  /** Position up to which events have been passed to the batch listeners. */
  let announced = 0n
  /** The next part to deliver, cached so that it is not read again. */
  let next: Part | undefined
  let waiting: { resolve: (position: bigint) => void; reject: (error: unknown) => void }[] = []
  let wanted = false
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let failing = false
  let closed = false
  /** False until the position of the start is known. */
  let following = false
  /** Where a new epoch began, if events after it were passed on and are no longer in the log. */
  let lostAfter: bigint | undefined

  async function assign(): Promise<bigint> {
    const [row] = await db.$queryRaw<{ newest: bigint; epoch: string }[]>`
      SELECT newest, epoch FROM advance_event_log(${BATCH}::integer, ${announced}::bigint)`
    if (!row) throw new Error('the database does not say how far the event log goes')
    if (row.epoch !== epochs.current?.id) await readEpochs()
    return row.newest
  }

  async function readEpochs(): Promise<void> {
    const found = await db.eventEpoch.findMany({ orderBy: { number: 'asc' }, select: { id: true, startsAfter: true } })
    // Another call may have read them meanwhile, and the tail may be further.
    if (found.at(-1)?.id === epochs.current?.id) return
    if (lostAfter === undefined) followed = epochs
    epochs = new Epochs(found)
    const end = epochs.current?.startsAfter
    if (end === undefined || end >= announced || !following) return
    lostAfter = lostAfter === undefined || end < lostAfter ? end : lostAfter
    check()
  }

  /** Goes back to what the log still has. Returns false if it has lost nothing. Not during delivery. */
  function rewind(): boolean {
    if (lostAfter === undefined) return false
    log.warn({ from: String(announced), to: String(lostAfter) }, 'the event log has lost events; streams start again')
    announced = lostAfter
    if (position > lostAfter) position = lostAfter
    lostAfter = undefined
    next = undefined
    notify(rewindListeners, undefined)
    return true
  }

  async function assignAll(): Promise<bigint> {
    for (let before = position; ; ) {
      const newest = await assign()
      if (newest - before < BATCH) return newest
      before = newest
    }
  }

  /** Calls the listeners. Returns the promises to wait for. */
  function notify<T>(listeners: Iterable<(what: T) => unknown>, what: T): unknown[] {
    const answers: unknown[] = []
    for (const listener of listeners) {
      try {
        const answer = listener(what)
        if (answer !== undefined) answers.push(answer)
      } catch (error) {
        log.error({ err: error }, 'an event log listener failed')
      }
    }
    return answers
  }

  async function read(after: bigint, newest: bigint): Promise<Part> {
    const events = await readLog(db, { after, until: newest, limit: BATCH })
    // Fewer than requested: the rest of the range has been purged.
    return { events, end: events.length < BATCH ? newest : (events.at(-1)?.position ?? newest) }
  }

  /**
   * Passes everything committed to the batch listeners. Positions do not reflect commit order.
   * All removals before an event are known only after reading everything that was there when
   * it was found.
   */
  const announceAll = coalesce(async () => {
    const [covered, began] = [writes, performance.now()]
    const newest = await assignAll()
    while (announced < newest) {
      const part = await read(announced, newest)
      notify(batchListeners, part.events)
      if (announced === position) next = part
      announced = part.end
    }
    // A log that has become shorter, after a restore, was not followed.
    if (newest === announced && lostAfter === undefined) {
      checkedWrites = covered
      checkedAt = began
    }
    return newest
  })

  const newest = coalesce(assignAll)

  async function deliver(events: readonly LoggedEvent[]): Promise<void> {
    for (const event of events) {
      const answers = notify(eventListeners, event)
      // A stream that goes live now has read up to `position`. Do not await between
      // delivery and this.
      position = event.position
      if (answers.length > 0) await Promise.all(answers)
    }
  }

  /** Delivers everything that is committed now. */
  async function pass(): Promise<void> {
    let newest = await announceAll()
    while (rewind()) newest = await announceAll()
    while (position < newest) {
      const { events, end } = next ?? (await read(position, newest))
      next = undefined
      await deliver(events)
      position = end
    }
  }

  /** Runs passes one at a time. A call during a pass is served by the next pass. */
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
    if (!closed) timer = setTimeout(check, pollMs).unref()
  }

  function start(): void {
    if (running || closed) return
    clearTimeout(timer)
    running = run()
  }

  function check(): void {
    wanted = true
    start()
  }

  function wake({ keepsViewers } = { keepsViewers: false }): void {
    if (!keepsViewers) writes++
    check()
  }

  for (let newest = await assign(); newest > position; newest = await assign()) position = newest
  announced = position
  following = true
  const listener = await handle.listen(CHANNEL, check)
  check()

  return {
    get position() {
      return position
    },
    get current() {
      return lostAfter === undefined && writes === checkedWrites && performance.now() - checkedAt < currentMs
    },
    wake,
    // Until the tail has gone back, what it delivers after that point is what was lost.
    cursor: (position) => (lostAfter !== undefined && position > lostAfter ? followed : epochs).cursor(position),
    async positionOf(text) {
      const cursor = decodeCursor(text)
      // Another server may have begun an epoch meanwhile.
      if (!epochs.has(cursor.epoch)) await newest()
      epochs.require(cursor)
      return cursor.position
    },
    newest() {
      if (closed) return Promise.reject(stopping())
      return newest()
    },
    sync() {
      if (closed) return Promise.reject(stopping())
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        start()
      })
    },
    async announce() {
      if (closed) throw stopping()
      await announceAll()
    },
    onBatch(listener) {
      batchListeners.add(listener)
      return () => void batchListeners.delete(listener)
    },
    onEvent(listener) {
      eventListeners.add(listener)
      return () => void eventListeners.delete(listener)
    },
    onRewind: (listener) => void rewindListeners.add(listener),
    async close() {
      closed = true
      clearTimeout(timer)
      await listener.close()
      await running
      for (const { reject } of waiting) reject(stopping())
      waiting = []
    },
  }
}
