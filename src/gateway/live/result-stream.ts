import { setTimeout as wait } from 'node:timers/promises'
import { codeOf } from '../client-error.ts'
import type { CredentialLifetime } from '../credential-lifetime.ts'
import type { AppError, ErrorCode } from '../errors.ts'
import { type EngineResult, Outcome } from './outcome.ts'

/** An event source. With `hold`, its `return()` also ends a pending read. */
export interface LiveSource extends AsyncIterable<unknown> {
  /** Where a client that received everything sent so far resumes. */
  readonly cursor?: string | undefined
  /** Called when the client stops or resumes reading, so that nothing waits for a slow consumer. */
  hold?(held: boolean): void
  /**
   * Returns true if an event may still be delivered. Called once its result is known, which may
   * contain more than the event.
   */
  mayDeliver?(event: never): boolean
}

/** An open subscription. Results are computed one by one as they are read. */
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
  /** Returns the last result of a stream whose source failed or whose credential ended. */
  fail: (error: unknown) => EngineResult
  lifetime: CredentialLifetime
  /** Called once when the stream is over. */
  onEnd: () => void
}

/** Returns true if the server failed to compute an event. */
function hasServerError({ errors = [] }: EngineResult): boolean {
  return errors.some((error) => SERVER_ERRORS.has(codeOf(error)))
}

const SERVER_ERRORS = new Set<string>(['UNAVAILABLE', 'INTERNAL'] satisfies ErrorCode[])

/**
 * Retries for about three seconds while the database is unreachable, so that a dropped connection
 * does not lose an event.
 */
export async function retryUntilAvailable(run: () => Promise<EngineResult>): Promise<EngineResult> {
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
 * The results of a subscription. In a plain async generator, `return()` would wait behind a
 * pending `next()`, and an idle subscription would be freed only at its next event. This class
 * passes `return()` to the source at once.
 */
export class ResultStream implements EngineStream {
  readonly #parts: StreamParts
  readonly #iterator: AsyncIterator<unknown>
  readonly #stopListening: () => void
  #ended = false
  /** Why the credential ended. */
  #credentialEnd: AppError | undefined
  #interrupt: (() => void) | undefined

  constructor(parts: StreamParts) {
    this.#parts = parts
    this.#iterator = parts.source[Symbol.asyncIterator]()
    this.#stopListening = parts.lifetime.onEnd((reason) => {
      this.#credentialEnd = reason
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
      if (this.#credentialEnd) throw this.#credentialEnd
      if (!step || step.done || this.#ended) return this.return()
      const mapped = this.#parts.map(step.value)
      const outcome = mapped instanceof Promise ? await mapped : mapped
      // While the result was computed, the client may have unsubscribed or its credential ended.
      if (this.#ended) return DONE
      if (this.#credentialEnd) throw this.#credentialEnd
      if (this.#parts.source.mayDeliver?.(step.value as never) === false) return this.next()
      if (!hasServerError(outcome.result)) return { done: false, value: outcome }
      // Continuing would lose this event. The last result has no data, so no client
      // takes its cursor.
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

  /** Returns undefined if the credential ended first. */
  #nextEvent(): Promise<IteratorResult<unknown> | undefined> {
    if (this.#credentialEnd) return Promise.resolve(undefined)
    if (this.#parts.source.hold) return this.#iterator.next()
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined)
      this.#iterator.next().then(resolve, reject)
    })
  }
}
