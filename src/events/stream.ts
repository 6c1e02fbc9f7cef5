import type { Database } from '../database/client.ts'
import { AppError } from '../gateway/errors.ts'
import type { SubscribeOptions } from './hub.ts'
import { encodeCursor, type LoggedEvent, readLog, requireCursorInLog } from './log.ts'
import type { EventTail } from './tail.ts'

const ENDINGS = {
  slow_reader: 'its reader fell behind',
  server_stopping: 'the server is stopping',
} as const

/** Ends a stream that can be resumed at once: UNAVAILABLE, with the `cursor` to come again with as `after`. */
export class StreamEndedError extends AppError {
  readonly cursor: string

  constructor(reason: keyof typeof ENDINGS, position: bigint) {
    const cursor = encodeCursor(position)
    const message = `The stream was ended because ${ENDINGS[reason]}. Resume with the cursor ${cursor}.`
    super('UNAVAILABLE', message, { issues: [{ path: ['after'], code: reason, message: cursor }] })
    this.cursor = cursor
  }
}

interface StreamSetup<T> {
  tail: EventTail
  db: Pick<Database, 'event'>
  maxQueue: number
  /** The position to start behind. */
  start: Promise<bigint>
  options: SubscribeOptions<T>
  /** Called with the first read. */
  opened(): void
  ended(): void
  /** Called when much waits for a client that takes what it is given, and when that is no longer so. */
  behind(isBehind: boolean): void
  /** Called when something is taken of what waits, while much does. */
  progressed(): void
}

/** What one event is to the subscriber, or will be. */
interface Entry<T> {
  position: bigint
  value: T | Promise<T | undefined>
}

const REPLAY_BATCH = 500

/** Shares of a full queue: with more than this a stream is behind, until it has no more than that. */
const MUCH = 1 / 2
const LITTLE = 1 / 4

const DONE = { done: true, value: undefined } as const

/**
 * One subscriber's events. Not an `async function*`: there, return() waits for a pending next(), which for a quiet
 * stream is for ever.
 */
export class EventStream<T> implements AsyncGenerator<T, void, undefined> {
  readonly #setup: StreamSetup<T>
  #queue: Entry<T>[] = []
  /** All up to here has been looked at for the queue. */
  #scanned: bigint | undefined
  /** All up to here has been handed out, or was not selected. */
  #done: bigint | undefined
  #opened = false
  #live = false
  #ended = false
  #held = false
  #behind = false
  #failure: unknown
  /** The read of a live stream that has nothing. */
  #waiting: PromiseWithResolvers<IteratorResult<T, void>> | undefined
  /** Any other read that is not over yet. */
  #reading: Promise<unknown> | undefined

  constructor(setup: StreamSetup<T>) {
    this.#setup = setup
    this.#done = setup.options.after
    const { signal } = setup.options
    if (signal?.aborted) this.#end()
    else signal?.addEventListener('abort', this.#end, { once: true })
  }

  /** Where a client resumes that has taken all it was given: undefined until the start is known. */
  get cursor(): string | undefined {
    return this.#done === undefined ? undefined : encodeCursor(this.#done)
  }

  next(): Promise<IteratorResult<T, void>> {
    if (!this.#ended && !this.#opened) {
      this.#opened = true
      this.#setup.opened()
    }
    // Reads asked for at once are answered in turn, as those of a generator are.
    if (this.#reading !== undefined) return this.#reading.then(() => this.next())
    const ready = this.#take()
    if (ready) return Promise.resolve(ready)
    // A stream that waits is one of thousands: what comes is handed to it directly.
    if (this.#live && this.#queue.length === 0 && !this.#ended) {
      return this.#waiting ? this.#waiting.promise.then(() => this.next()) : this.#wait()
    }
    const read = this.#read()
    this.#reading = read.then(
      () => (this.#reading = undefined),
      () => (this.#reading = undefined),
    )
    return read
  }

  return(): Promise<IteratorResult<T, void>> {
    this.#end()
    return Promise.resolve(DONE)
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    this.#end()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
  }

  /** Whether what was read may still be sent. */
  stands(value: T): boolean {
    return this.#setup.options.stands?.(value) ?? true
  }

  /** Whether whoever reads waits for a client that takes nothing: then nobody waits for this stream. */
  hold(held: boolean): void {
    this.#held = held
    this.#judge()
  }

  /** An event of the tail. Ignored until the stream has caught up: the log has it. */
  offer(event: LoggedEvent): void {
    if (!this.#live || this.#ended || event.position <= (this.#scanned ?? 0n)) return
    try {
      if (!this.#enqueue(event)) return
    } catch (error) {
      this.#fail(error)
    }
    if (this.#queue.length > this.#setup.maxQueue) this.#fail(new StreamEndedError('slow_reader', this.#done ?? 0n))
    this.#judge()
    this.#answer()
  }

  /** Gives whoever waits what there is now. */
  #answer(): void {
    const waiting = this.#waiting
    if (!waiting) return
    this.#waiting = undefined
    const ready = this.#take()
    if (ready) waiting.resolve(ready)
    else this.#read().then(waiting.resolve, waiting.reject)
  }

  /** Leaves what waits to the log, and reads on there until it has caught up. */
  readOn(): void {
    this.#live = false
    this.#scanned = this.#done
    this.#queue = []
    this.#judge()
  }

  /** Ends the stream so that its client resumes elsewhere. */
  stop(): void {
    this.#fail(this.#done === undefined ? undefined : new StreamEndedError('server_stopping', this.#done))
  }

  /** The next value, if it is there. */
  #take(): IteratorResult<T, void> | undefined {
    if (this.#ended) return undefined
    const entry = this.#queue[0]
    if (!entry || entry.value instanceof Promise) return undefined
    this.#queue.shift()
    this.#done = entry.position
    if (this.#behind) this.#setup.progressed()
    this.#judge()
    return { done: false, value: entry.value }
  }

  async #read(): Promise<IteratorResult<T, void>> {
    try {
      while (!this.#ended) {
        const entry = this.#queue[0]
        if (entry?.value instanceof Promise) await this.#resolve(entry, entry.value)
        else if (entry) return this.#take() ?? DONE
        else if (this.#live) return this.#wait()
        else if (this.#scanned === undefined) await this.#open()
        else await this.#replay(this.#scanned)
      }
    } catch (error) {
      this.#fail(error)
    }
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
    return DONE
  }

  #wait(): Promise<IteratorResult<T, void>> {
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  /** Puts what was promised in the place of the promise, or takes it out where it came to nothing. */
  async #resolve(entry: Entry<T>, promise: Promise<T | undefined>): Promise<void> {
    const value = await promise
    if (this.#ended || this.#queue[0] !== entry) return
    if (value !== undefined) {
      entry.value = value
      return
    }
    this.#queue.shift()
    this.#done = entry.position
    this.#judge()
  }

  async #open(): Promise<void> {
    const { tail, db, options, start } = this.#setup
    const position = await start
    if (options.after !== undefined) {
      // Another server may have handed out what this one has not seen yet.
      const newest = position > tail.position ? await tail.newest() : tail.position
      await requireCursorInLog(db, position, newest)
    }
    this.#done = position
    this.#scanned = position
  }

  /**
   * Reads on in the log, or joins the live stream when there is no more to read. Never ahead of the tail: what `select` asks (who
   * may see what) is only as new as the tail is.
   */
  async #replay(scanned: bigint): Promise<void> {
    const { tail, db, options, maxQueue } = this.#setup
    const until = tail.position
    if (scanned < until) {
      const limit = Math.max(1, Math.min(REPLAY_BATCH, Math.floor(maxQueue * LITTLE)))
      const events = await readLog(db, { after: scanned, until, limit, where: options.where })
      // What was purged while this was read might be missing from it.
      await requireCursorInLog(db, scanned, until)
      if (this.#ended) return
      for (const event of events) this.#enqueue(event)
      this.#scanned = events.length < limit ? until : (events.at(-1)?.position ?? until)
      if (this.#queue.length === 0) this.#done = this.#scanned
    }
    // Nothing may be awaited between this comparison and the next batch of the tail.
    if ((this.#scanned ?? scanned) >= tail.position) this.#live = true
  }

  #enqueue(event: LoggedEvent): boolean {
    const value = this.#setup.options.select(event)
    if (value === undefined) {
      // A reader that has everything need not scan this again if it has to resume.
      if (this.#queue.length === 0) this.#done = event.position
      return false
    }
    // Reported when it is its turn, if that comes.
    if (value instanceof Promise) value.catch(() => {})
    this.#queue.push({ position: event.position, value })
    return true
  }

  #judge(): void {
    const limit = this.#setup.maxQueue * (this.#behind ? LITTLE : MUCH)
    const isBehind = !this.#ended && !this.#held && this.#queue.length > limit
    if (isBehind === this.#behind) return
    this.#behind = isBehind
    this.#setup.behind(isBehind)
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    this.#failure = error
    this.#end()
  }

  #end = (): void => {
    if (this.#ended) return
    this.#ended = true
    this.#queue = []
    this.#judge()
    const { options, ended } = this.#setup
    options.signal?.removeEventListener('abort', this.#end)
    if (this.#opened) ended()
    options.onEnd?.()
    this.#answer()
  }
}
