import { DatabaseBusyError } from './limits.ts'

export interface GateOptions {
  /** Number of connections. */
  size: number
  queueMs: number
  queueLength: number
}

interface Waiting {
  keys: readonly string[]
  enter: () => void
  refuse: (error: Error) => void
}

/**
 * Shares the connections of a pool. Work on one key, such as a table, may hold most of them but not
 * all: while it waits for a lock, other work still finds a connection. Work that waits too long, or
 * behind too much other work, is refused.
 */
export class Gate {
  readonly #options: GateOptions
  /** Maximum number of connections for one key. */
  readonly #share: number
  readonly #held = new Map<string, number>()
  readonly #waiting: Waiting[] = []
  #running = 0
  #closed: Error | undefined

  constructor(options: GateOptions) {
    this.#options = options
    this.#share = options.size - Math.floor(options.size * RESERVED_SHARE)
  }

  get load(): { running: number; waiting: number } {
    return { running: this.#running, waiting: this.#waiting.length }
  }

  /** Returns a promise if the work has to wait. Throws a DatabaseBusyError if it is refused. */
  enter(keys: readonly string[]): Promise<void> | undefined {
    if (this.#closed) throw this.#closed
    if (this.#running < this.#options.size && this.#hasShare(keys)) {
      this.#take(keys)
      return undefined
    }
    if (this.#waiting.length >= this.#options.queueLength) {
      throw new DatabaseBusyError('Too many requests wait for the database (DATABASE_QUEUE_LENGTH).')
    }
    return this.#wait(keys)
  }

  leave(keys: readonly string[]): void {
    this.#running--
    for (const key of keys) {
      const held = (this.#held.get(key) ?? 1) - 1
      if (held === 0) this.#held.delete(key)
      else this.#held.set(key, held)
    }
    this.#admit()
  }

  /** Refuses everything, waiting or new, until `open` is called. */
  close(error: Error): void {
    this.#closed = error
    for (const { refuse } of this.#waiting.splice(0)) refuse(error)
  }

  open(): void {
    this.#closed = undefined
  }

  #wait(keys: readonly string[]): Promise<void> {
    const { queueMs } = this.#options
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        keys,
        enter() {
          clearTimeout(timer)
          resolve()
        },
        refuse(error) {
          clearTimeout(timer)
          reject(error)
        },
      }
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(new DatabaseBusyError('No database connection became free in DATABASE_QUEUE_TIMEOUT.'))
      }, queueMs)
      this.#waiting.push(waiting)
    })
  }

  /** Lets the first work enter whose keys have a share left. */
  #admit(): void {
    while (this.#running < this.#options.size) {
      const index = this.#waiting.findIndex(({ keys }) => this.#hasShare(keys))
      const [next] = index < 0 ? [] : this.#waiting.splice(index, 1)
      if (!next) return
      this.#take(next.keys)
      next.enter()
    }
  }

  #hasShare(keys: readonly string[]): boolean {
    return keys.every((key) => (this.#held.get(key) ?? 0) < this.#share)
  }

  #take(keys: readonly string[]): void {
    this.#running++
    for (const key of keys) this.#held.set(key, (this.#held.get(key) ?? 0) + 1)
  }
}

/** Share of the connections that work on one key leaves to others. */
const RESERVED_SHARE = 0.3
