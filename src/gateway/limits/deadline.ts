import { AppError } from '../errors.ts'

/** The error of a request that took too long. What it started may still finish. */
export const tooLate = () =>
  new AppError('UNAVAILABLE', 'The request took longer than REQUEST_TIMEOUT. Try again in a few seconds.', {
    headers: { 'Retry-After': '5' },
  })

/** Resolves with the result of `work`, or with that of `fail` if it takes longer than `limitMs`. */
export async function withDeadline<T>(work: Promise<T>, limitMs: number, fail: (error: AppError) => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(fail(tooLate())), limitMs)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** Calls `fail` once if a request takes too long. */
export class Deadline {
  readonly #limitMs: number
  readonly #fail: (error: AppError) => void
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor(limitMs: number, fail: (error: AppError) => void) {
    this.#limitMs = limitMs
    this.#fail = fail
    this.start()
  }

  /** True once `fail` was called. */
  isMissed = false

  start(): void {
    if (this.#isOver) return
    this.#timer = setTimeout(() => {
      this.isMissed = true
      this.#fail(tooLate())
    }, this.#limitMs)
  }

  /** Pauses while the client is sending. `start` begins anew. */
  pause(): void {
    clearTimeout(this.#timer)
  }

  end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }
}
