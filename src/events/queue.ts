import type { LoggedEvent } from './log.ts'
import type { SubscribeOptions } from './subscription.ts'

export interface QueueSetup<T> extends Pick<SubscribeOptions<T>, 'select'> {
  maxQueue: number
  /** Called when the queue grows long although the client reads, and when it is short again. */
  behind(isBehind: boolean): void
  /** Called for each value taken while the stream is behind. */
  progressed(): void
}

/** The value that the subscriber gets for one event, or a promise of it. */
interface Entry<T> {
  position: bigint
  value: T | Promise<T | undefined>
}

/**
 * Shares of a full queue. A stream is behind from BEHIND_SHARE until it is down to CAUGHT_UP_SHARE.
 */
const BEHIND_SHARE = 1 / 2
const CAUGHT_UP_SHARE = 1 / 4

/** The values of one stream that its client has not taken yet, and the position that it is at. */
export class EventQueue<T> {
  readonly #setup: QueueSetup<T>
  #entries: Entry<T>[] = []
  #held = false
  #behind = false
  /** Position up to which events were taken or not selected. Undefined until the start is known. */
  done: bigint | undefined

  constructor(setup: QueueSetup<T>) {
    this.#setup = setup
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  get isOverfull(): boolean {
    return this.#entries.length > this.#setup.maxQueue
  }

  /** Number of events that can be added to an empty queue without falling behind. */
  get room(): number {
    return Math.max(1, Math.floor(this.#setup.maxQueue * CAUGHT_UP_SHARE))
  }

  /** Adds the value of an event. Returns false if the event is not selected. */
  add(event: LoggedEvent): boolean {
    const value = this.#setup.select(event)
    if (value === undefined) {
      // Advance the cursor, so that resuming does not scan this event again.
      if (this.isEmpty) this.done = event.position
      return false
    }
    // A failure is reported when the entry's turn comes.
    if (value instanceof Promise) value.catch(() => {})
    this.#entries.push({ position: event.position, value })
    this.#updateBehind()
    return true
  }

  /** Takes the first value. Returns undefined if there is none, or if it is still a promise. */
  take(): IteratorYieldResult<T> | undefined {
    const entry = this.#entries[0]
    if (!entry || entry.value instanceof Promise) return undefined
    if (this.#behind) this.#setup.progressed()
    this.#dropFirst(entry)
    return { done: false, value: entry.value }
  }

  /** Waits for the first value. Drops the entry if there is none. */
  async resolveFirst(): Promise<void> {
    const entry = this.#entries[0]
    if (!(entry?.value instanceof Promise)) return
    const value = await entry.value
    // The queue may have been cleared meanwhile.
    if (this.#entries[0] !== entry) return
    if (value === undefined) this.#dropFirst(entry)
    else entry.value = value
  }

  #dropFirst({ position }: Entry<T>): void {
    this.#entries.shift()
    this.done = position
    this.#updateBehind()
  }

  clear(): void {
    this.#entries = []
    this.#updateBehind()
  }

  /** Set while the client has stopped reading: then the stream does not count as behind. */
  hold(held: boolean): void {
    this.#held = held
    this.#updateBehind()
  }

  #updateBehind(): void {
    const limit = this.#setup.maxQueue * (this.#behind ? CAUGHT_UP_SHARE : BEHIND_SHARE)
    const isBehind = !this.#held && this.#entries.length > limit
    if (isBehind === this.#behind) return
    this.#behind = isBehind
    this.#setup.behind(isBehind)
  }
}
