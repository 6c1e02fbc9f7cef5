import type { DatabaseHandle } from '../database/client.ts'
import { type Log, SILENT } from '../database/connection.ts'
import { AppError } from '../gateway/errors.ts'
import { type LoggedEvent, readLog } from './log.ts'

export type BatchListener = (events: readonly LoggedEvent[]) => void
/** Nothing more is handed out until what it may promise has come true. */
export type EventListener = (event: LoggedEvent) => undefined | Promise<void>

/** Follows the log from its end at the time of creation. */
export interface EventTail {
  /** The newest position handed out. */
  readonly position: bigint
  /** Look now: something was written. Returns at once. */
  wake(): void
  /** The position of the newest event that was committed before the call, whether it has been handed out or not. */
  newest(): Promise<bigint>
  /**
   * Resolves, with the newest position, when all that was committed before the call has been handed out. Rejects when
   * the database fails. Not to be called inside a transaction: on a pool of one it would wait for its own connection.
   */
  sync(): Promise<bigint>
  /** Resolves when what listens to batches has been told of all that was committed before the call: earlier than it is handed out. */
  learn(): Promise<void>
  /**
   * Calls back with all events, in log order and in batches, before any that was committed by then is handed out one by one. Answers the
   * way to stop.
   */
  onBatch(listener: BatchListener): () => void
  /** Calls back with each event, in log order: whatever it asks of what listens to batches knows all that was committed before it. */
  onEvent(listener: EventListener): () => void
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

const stopping = () => new AppError('UNAVAILABLE', 'The server is stopping.')

/** What runs one at a time: those that ask meanwhile are answered together, by what begins after they asked. */
function together<T>(work: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined
  let running: Promise<unknown> = Promise.resolve()
  return () => {
    asked ??= running.then(() => {
      asked = undefined
      const result = work()
      running = result.catch(() => {})
      return result
    })
    return asked
  }
}

/** A part of the log: all up to `end`. */
interface Part {
  events: LoggedEvent[]
  end: bigint
}

/** Starts following the log. Rejects when the database fails now; later failures are logged and outlived. */
export async function createTail(handle: DatabaseHandle, options: TailOptions = {}): Promise<EventTail> {
  const { db } = handle
  const log = options.log ?? SILENT
  const pollMs = handle.embedded ? EMBEDDED_POLL_MS : (options.pollMs ?? 250)
  const batchListeners = new Set<BatchListener>()
  const eventListeners = new Set<EventListener>()

  let position = 0n
  /** What listens to batches has heard up to here. */
  let told = 0n
  /** What they have heard and is to be handed out next: not read again. */
  let next: Part | undefined
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

  async function assignAll(): Promise<bigint> {
    for (let before = position; ; ) {
      const newest = await assign()
      if (newest - before < BATCH) return newest
      before = newest
    }
  }

  /** What the listeners ask to be waited for. */
  function tell<T>(listeners: Iterable<(what: T) => unknown>, what: T): unknown[] {
    const answers: unknown[] = []
    for (const listener of listeners) {
      try {
        const answer = listener(what)
        if (answer !== undefined) answers.push(answer)
      } catch (error) {
        log.error({ err: error }, 'a listener of the event log failed')
      }
    }
    return answers
  }

  async function read(after: bigint, newest: bigint): Promise<Part> {
    const events = await readLog(db, { after, until: newest, limit: BATCH })
    // Fewer than asked for: the rest of the range is not in the log (any more).
    return { events, end: events.length < BATCH ? newest : (events.at(-1)?.position ?? newest) }
  }

  /**
   * Tells of all that is committed, however much it is. A position does not say which of two was committed first: only once all is told
   * that was there when an event was found, is a removal known that it was committed after.
   */
  const tellAll = together(async () => {
    const newest = await assignAll()
    while (told < newest) {
      const part = await read(told, newest)
      tell(batchListeners, part.events)
      if (told === position) next = part
      told = part.end
    }
    return newest
  })

  const newest = together(assignAll)

  async function handOut(events: readonly LoggedEvent[]): Promise<void> {
    for (const event of events) {
      const answers = tell(eventListeners, event)
      // A stream that joins now has what was handed out from the log: nothing may be awaited between the two.
      position = event.position
      if (answers.length > 0) await Promise.all(answers)
    }
  }

  /** Hands out all that is committed now. */
  async function pass(): Promise<void> {
    const newest = await tellAll()
    while (position < newest) {
      const { events, end } = next ?? (await read(position, newest))
      next = undefined
      await handOut(events)
      position = end
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
  told = position
  const listener = await handle.listen(CHANNEL, wake)
  wake()

  return {
    get position() {
      return position
    },
    wake,
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
    async learn() {
      if (closed) throw stopping()
      await tellAll()
    },
    onBatch(listener) {
      batchListeners.add(listener)
      return () => void batchListeners.delete(listener)
    },
    onEvent(listener) {
      eventListeners.add(listener)
      return () => void eventListeners.delete(listener)
    },
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
