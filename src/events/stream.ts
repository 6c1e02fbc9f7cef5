import type { Database } from '../database/client.ts'
import { AppError } from '../gateway/errors.ts'
import type { SubscribeOptions } from './hub.ts'
import { encodeCursor, type LoggedEvent, readLog, requireCursorInLog } from './log.ts'
import type { EventTail } from './tail.ts'

/** Ends the stream of a reader that fell behind. UNAVAILABLE, as the way out is to come again: with `cursor` as `after`. */
export class SlowReaderError extends AppError {
  readonly cursor: string

  constructor(position: bigint) {
    const cursor = encodeCursor(position)
    const message = `The stream was ended because its reader fell behind. Resume with the cursor ${cursor}.`
    super('UNAVAILABLE', message, { issues: [{ path: ['after'], code: 'slow_reader', message: cursor }] })
    this.cursor = cursor
  }
}

interface StreamSetup {
  tail: EventTail
  db: Pick<Database, 'event'>
  maxQueue: number
  /** The position to start behind. */
  start: Promise<bigint>
  options: SubscribeOptions
  /** Called with each read. */
  opened(stream: EventStream): void
  ended(stream: EventStream): void
}

const REPLAY_BATCH = 500

/**
 * One subscriber's events. Not an `async function*`: there, return() waits for a pending next(), which for a quiet
 * stream is for ever.
 */
export class EventStream implements AsyncGenerator<LoggedEvent, void, undefined> {
  readonly #setup: StreamSetup
  #queue: LoggedEvent[] = []
  /** Resuming: all up to here has been read from the log. */
  #scanned: bigint | undefined
  /** All up to here has been handed out, or was not accepted. */
  #done = 0n
  #live = false
  #ended = false
  #failure: unknown
  #wake: (() => void) | undefined
  #reads: Promise<unknown> = Promise.resolve()

  constructor(setup: StreamSetup) {
    this.#setup = setup
    const { signal } = setup.options
    if (signal?.aborted) this.#ended = true
    else signal?.addEventListener('abort', this.#end, { once: true })
  }

  next(): Promise<IteratorResult<LoggedEvent, void>> {
    if (!this.#ended) this.#setup.opened(this)
    // Reads asked for at once are answered in turn, as those of a generator are.
    const read = this.#reads.then(() => this.#read())
    this.#reads = read.catch(() => {})
    return read
  }

  return(): Promise<IteratorResult<LoggedEvent, void>> {
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  throw(error: unknown): Promise<IteratorResult<LoggedEvent, void>> {
    this.#end()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
  }

  /** A batch of the tail. Ignored until the stream has caught up: the log has it. */
  push(events: readonly LoggedEvent[]): void {
    if (!this.#live) return
    try {
      this.#enqueue(events)
    } catch (error) {
      this.#fail(error)
    }
    if (this.#queue.length > this.#setup.maxQueue) {
      this.#fail(new SlowReaderError(this.#done))
      this.#setup.options.onOverflow?.()
    }
    this.#wake?.()
  }

  async #read(): Promise<IteratorResult<LoggedEvent, void>> {
    try {
      while (!this.#ended) {
        const event = this.#queue.shift()
        if (event) {
          this.#done = event.position
          return { done: false, value: event }
        }
        if (this.#live) await new Promise<void>((resolve) => (this.#wake = resolve))
        else if (this.#scanned === undefined) await this.#open()
        else await this.#replay(this.#scanned)
      }
    } catch (error) {
      this.#fail(error)
    }
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
    return { done: true, value: undefined }
  }

  async #open(): Promise<void> {
    const { tail, db, options, start } = this.#setup
    const position = await start
    if (options.after !== undefined) {
      // Another server may have handed out what this one has not seen yet.
      const newest = position > tail.position ? await tail.sync() : tail.position
      await requireCursorInLog(db, position, newest)
    }
    this.#done = position
    this.#scanned = position
  }

  /**
   * Reads on in the log, or joins the live stream when there is no more to read. Never ahead of the tail: what `accepts` asks (who
   * may see what) is only as new as the tail is.
   */
  async #replay(scanned: bigint): Promise<void> {
    const { tail, db, options } = this.#setup
    const until = tail.position
    if (scanned < until) {
      const events = await readLog(db, { after: scanned, until, limit: REPLAY_BATCH, where: options.where })
      if (this.#ended) return
      this.#enqueue(events)
      this.#scanned = events.length < REPLAY_BATCH ? until : (events.at(-1)?.position ?? until)
    }
    // Nothing may be awaited between this comparison and the next batch of the tail.
    if ((this.#scanned ?? scanned) >= tail.position) this.#live = true
  }

  #enqueue(events: readonly LoggedEvent[]): void {
    for (const event of events) {
      if (this.#setup.options.accepts(event)) this.#queue.push(event)
    }
    // A reader that has everything need not scan these again if it has to resume.
    const last = events.at(-1)
    if (last && this.#queue.length === 0) this.#done = last.position
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    this.#failure = error
    this.#end()
  }

  #end = (): void => {
    this.#ended = true
    this.#queue = []
    this.#setup.options.signal?.removeEventListener('abort', this.#end)
    this.#setup.ended(this)
    this.#wake?.()
  }
}
