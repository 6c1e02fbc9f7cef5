import { setTimeout as wait } from 'node:timers/promises'
import { codeOf } from '../client-error.ts'
import type { AppError, ErrorCode } from '../errors.ts'
import type { Lifetime } from '../lifetime.ts'
import { type EngineResult, Outcome } from './outcome.ts'

/** What the source of a subscription may have besides its events. With `hold`, its `return()` ends also a read that waits. */
export interface LiveSource extends AsyncIterable<unknown> {
  /** Where to resume whoever has taken all that was sent. */
  readonly cursor?: string | undefined
  /** Told whether the client takes what it is sent: nobody needs to wait for one who does not. */
  hold?(held: boolean): void
  /** Whether an event may still be told, asked when its result is there: it may tell more than the event did. */
  stands?(event: never): boolean
}

/** An open subscription: its results, worked out one by one as they are read. */
export interface EngineStream extends AsyncGenerator<Outcome, void, void> {
  readonly cursor: string | undefined
  hold(held: boolean): void
}

export function isStream(result: EngineStream | EngineResult): result is EngineStream {
  return Symbol.asyncIterator in result
}

export interface StreamParts {
  source: LiveSource
  /** Runs the operation for one event. */
  map: (event: unknown) => Outcome | Promise<Outcome>
  /** The last result of a stream whose source failed or whose credential ended. */
  fail: (error: unknown) => EngineResult
  lifetime: Lifetime
  /** Called once when it is over. */
  onEnd: () => void
}

/** Whether an event could not be worked out, through no fault of the client's. */
function isBroken({ errors = [] }: EngineResult): boolean {
  return errors.some((error) => BROKEN.has(codeOf(error)))
}

const BROKEN = new Set<string>(['UNAVAILABLE', 'INTERNAL'] satisfies ErrorCode[])

/** Tries again for about three seconds while the database cannot be reached: an event that is due is not given up for a cut connection. */
export async function untilAvailable(run: () => Promise<EngineResult>): Promise<EngineResult> {
  for (let pause = 50; ; pause *= 2) {
    const result = await run()
    const unavailable = result.errors?.some((error) => codeOf(error) === 'UNAVAILABLE')
    if (!unavailable || pause > MAX_PAUSE_MS) return result
    await wait(pause)
  }
}

const MAX_PAUSE_MS = 1_600

const DONE = { done: true, value: undefined } as const

/**
 * The results of a subscription. A plain async generator would leave `return()` waiting behind a pending `next()`, and with it
 * the source: an idle subscription would only be freed at its next event. This hands `return()` to the source at once.
 */
export class ResultStream implements EngineStream {
  readonly #parts: StreamParts
  readonly #iterator: AsyncIterator<unknown>
  readonly #stopListening: () => void
  #ended = false
  /** Why its credential no longer holds. */
  #outlived: AppError | undefined
  #interrupt: (() => void) | undefined

  constructor(parts: StreamParts) {
    this.#parts = parts
    this.#iterator = parts.source[Symbol.asyncIterator]()
    this.#stopListening = parts.lifetime.onEnd((reason) => {
      this.#outlived = reason
      if (parts.source.hold) void this.#iterator.return?.()
      else this.#interrupt?.()
    })
  }

  get cursor(): string | undefined {
    return this.#parts.source.cursor
  }

  hold(held: boolean): void {
    this.#parts.source.hold?.(held)
  }

  async next(): Promise<IteratorResult<Outcome, void>> {
    if (this.#ended) return DONE
    try {
      const step = await this.#nextEvent()
      if (this.#outlived) throw this.#outlived
      if (!step || step.done || this.#ended) return this.return()
      const mapped = this.#parts.map(step.value)
      const outcome = mapped instanceof Promise ? await mapped : mapped
      // What was worked out meanwhile is not for a credential that no longer holds.
      if (this.#outlived) throw this.#outlived
      if (this.#parts.source.stands?.(step.value as never) === false) return this.next()
      if (!isBroken(outcome.result)) return { done: false, value: outcome }
      // Going on would leave a hole where this event was; without its data nobody takes its cursor for one to resume from.
      await this.return()
      return { done: false, value: new Outcome({ errors: outcome.result.errors }) }
    } catch (error) {
      if (this.#ended) return DONE
      await this.return()
      return { done: false, value: new Outcome(this.#parts.fail(error)) }
    }
  }

  async return(): Promise<IteratorReturnResult<void>> {
    if (this.#ended) return DONE
    this.#ended = true
    this.#stopListening()
    this.#parts.lifetime.close()
    this.#parts.onEnd()
    await this.#iterator.return?.()
    return DONE
  }

  async throw(error: unknown): Promise<never> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** Nothing where the credential ended first. */
  #nextEvent(): Promise<IteratorResult<unknown> | undefined> {
    if (this.#outlived) return Promise.resolve(undefined)
    if (this.#parts.source.hold) return this.#iterator.next()
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined)
      this.#iterator.next().then(resolve, reject)
    })
  }
}
