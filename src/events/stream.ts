import type { Database } from '../database/client.ts'
import { AppError } from '../gateway/errors.ts'
import { cursorLost } from './epochs.ts'
import { type LoggedEvent, readLog, requireCursorInLog } from './log.ts'
import { EventQueue, type QueueSetup } from './queue.ts'
import type { SubscribeOptions } from './subscription.ts'
import type { EventTail } from './tail.ts'

const ENDINGS = {
  slow_reader: 'the client did not read fast enough',
  server_stopping: 'the server is stopping',
} as const

/** Ends a stream with UNAVAILABLE. The client can resume at once by passing `cursor` as `after`. */
export class StreamEndedError extends AppError {
  readonly cursor: string

  constructor(reason: keyof typeof ENDINGS, cursor: string) {
    const message = `The stream ended because ${ENDINGS[reason]}. Resume with the cursor ${cursor}.`
    super('UNAVAILABLE', message, { issues: [{ path: ['after'], code: reason, message: cursor }] })
    this.cursor = cursor
  }
}

interface StreamSetup<T> extends Omit<QueueSetup<T>, 'select'> {
  tail: EventTail
  db: Pick<Database, 'event'>
  /** The position after which to start. */
  start: Promise<bigint>
  options: SubscribeOptions<T>
  /** Called on the first read. */
  opened(): void
  ended(): void
}

const REPLAY_BATCH = 500

const DONE = { done: true, value: undefined } as const

/**
 * The events of one subscriber. Not an `async function*`: its return() would wait for a pending
 * next(), which may never resolve on a quiet stream.
 */
export class EventStream<T> implements AsyncGenerator<T, void, undefined> {
  readonly #setup: StreamSetup<T>
  readonly #queue: EventQueue<T>
  /** Position up to which events have been considered for the queue. */
  #scanned: bigint | undefined
  #opened = false
  #live = false
  #ended = false
  #failure: unknown
  /** The pending read of a live stream with an empty queue. */
  #waiting: PromiseWithResolvers<IteratorResult<T, void>> | undefined
  /** Any other pending read. */
  #reading: Promise<unknown> | undefined

  constructor(setup: StreamSetup<T>) {
    this.#setup = setup
    const { options, maxQueue, behind, progressed } = setup
    this.#queue = new EventQueue({ maxQueue, behind, progressed, select: (event) => options.select(event) })
    this.#queue.done = options.after
    const { signal } = options
    if (signal?.aborted) this.#end()
    else signal?.addEventListener('abort', this.#end, { once: true })
  }

  /**
   * The cursor from which a client resumes that has processed everything. Undefined until the
   * start is known.
   */
  get cursor(): string | undefined {
    const { done } = this.#queue
    return done === undefined ? undefined : this.#setup.tail.cursor(done)
  }

  next(): Promise<IteratorResult<T, void>> {
    if (!this.#ended && !this.#opened) {
      this.#opened = true
      this.#setup.opened()
    }
    // Answer concurrent reads in turn, as a generator does.
    if (this.#reading !== undefined) return this.#reading.then(() => this.next())
    const ready = this.#queue.take()
    if (ready) return Promise.resolve(ready)
    // Thousands of streams wait at a time, so events are passed to them without an
    // extra async call.
    if (this.#live && this.#queue.isEmpty && !this.#ended) {
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

  /** Returns false if a value that was read must no longer be sent. */
  mayDeliver(value: T): boolean {
    return this.#setup.options.mayDeliver?.(value) ?? true
  }

  /**
   * Set by a transport whose client has stopped reading. The hub does not wait for a held stream.
   */
  hold(held: boolean): void {
    this.#queue.hold(held)
  }

  /**
   * Takes an event from the tail. Ignores it until the stream has caught up, as the log
   * has the event.
   */
  offer(event: LoggedEvent): void {
    if (!this.#live || this.#ended || event.position <= (this.#scanned ?? 0n)) return
    try {
      if (!this.#queue.add(event)) return
    } catch (error) {
      this.#fail(error)
    }
    if (this.#queue.isOverfull)
      this.#fail(new StreamEndedError('slow_reader', this.#setup.tail.cursor(this.#queue.done ?? 0n)))
    this.#answer()
  }

  /** Answers the pending read, if there is one. */
  #answer(): void {
    const waiting = this.#waiting
    if (!waiting) return
    this.#waiting = undefined
    const ready = this.#queue.take()
    if (ready) waiting.resolve(ready)
    else this.#read().then(waiting.resolve, waiting.reject)
  }

  /** Drops the queue and replays the dropped events from the log until it has caught up. */
  replayAgain(): void {
    this.#live = false
    this.#scanned = this.#queue.done
    this.#queue.clear()
  }

  /** Ends the stream so that its client resumes elsewhere. */
  stop(): void {
    const { cursor } = this
    this.#fail(cursor === undefined ? undefined : new StreamEndedError('server_stopping', cursor))
  }

  /** Ends the stream because the log has lost events that it may have delivered. */
  lose(): void {
    this.#fail(cursorLost())
  }

  async #read(): Promise<IteratorResult<T, void>> {
    try {
      while (!this.#ended) {
        const ready = this.#queue.take()
        if (ready) return ready
        if (!this.#queue.isEmpty) await this.#queue.resolveFirst()
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

  async #open(): Promise<void> {
    const { tail, db, options, start } = this.#setup
    const position = await start
    if (options.cursor !== undefined) await tail.positionOf(options.cursor)
    if (options.after !== undefined) {
      // The cursor may come from another server that is ahead of this one.
      const newest = position > tail.position ? await tail.newest() : tail.position
      await requireCursorInLog(db, position, newest)
    }
    this.#queue.done = position
    this.#scanned = position
  }

  /**
   * Reads the next part of the log, or goes live if there is none. Never reads ahead of the tail,
   * because the access that `select` checks is only as current as the tail.
   */
  async #replay(scanned: bigint): Promise<void> {
    const { tail, db, options } = this.#setup
    const until = tail.position
    if (scanned < until) {
      const limit = Math.min(REPLAY_BATCH, this.#queue.room)
      const events = await readLog(db, { after: scanned, until, limit, where: options.where })
      // Check after reading: events may have been purged meanwhile.
      await requireCursorInLog(db, scanned, until)
      if (this.#ended) return
      for (const event of events) this.#queue.add(event)
      this.#scanned = events.length < limit ? until : (events.at(-1)?.position ?? until)
      if (this.#queue.isEmpty) this.#queue.done = this.#scanned
    }
    // Do not await between this comparison and the next batch of the tail.
    if ((this.#scanned ?? scanned) >= tail.position) this.#live = true
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    this.#failure = error
    this.#end()
  }

  #end = (): void => {
    if (this.#ended) return
    this.#ended = true
    this.#queue.clear()
    const { options, ended } = this.#setup
    options.signal?.removeEventListener('abort', this.#end)
    if (this.#opened) ended()
    options.onEnd?.()
    this.#answer()
  }
}
