import { setTimeout as wait } from 'node:timers/promises'
import type { ExecutionResult } from 'graphql'
import { codeOf } from './client-error.ts'
import type { AppError, ErrorCode } from './errors.ts'
import type { Lifetime } from './lifetime.ts'

export type EngineResult = ExecutionResult<Record<string, unknown>>
export type EngineStream = AsyncGenerator<EngineResult, void, void>

export function isStream(result: EngineStream | EngineResult): result is EngineStream {
  return Symbol.asyncIterator in result
}

export interface StreamParts {
  source: AsyncIterable<unknown>
  /** Runs the operation for one event. */
  map: (event: unknown) => Promise<EngineResult>
  /** The last result of a stream whose source failed or whose credential ended. */
  fail: (error: unknown) => EngineResult
  lifetime: Lifetime
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
export function resultStream({ source, map, fail, lifetime }: StreamParts): EngineStream {
  const iterator = source[Symbol.asyncIterator]()
  let ended = false
  let outlived: AppError | undefined
  let interrupt: (() => void) | undefined

  const end = async (): Promise<IteratorReturnResult<void>> => {
    if (ended) return DONE
    ended = true
    stopListening()
    lifetime.close()
    await iterator.return?.()
    return DONE
  }
  const stopListening = lifetime.onEnd((reason) => {
    outlived = reason
    interrupt?.()
  })

  async function nextResult(): Promise<IteratorResult<EngineResult, void>> {
    if (ended) return DONE
    const interrupted = new Promise<undefined>((resolve) => {
      interrupt = () => resolve(undefined)
    })
    const step = outlived ? undefined : await Promise.race([iterator.next(), interrupted])
    if (outlived) throw outlived
    if (!step || step.done || ended) return end()
    const result = await map(step.value)
    // What was worked out meanwhile is not for a credential that no longer holds.
    if (outlived) throw outlived
    if (!isBroken(result)) return { done: false, value: result }
    // Going on would leave a hole where this event was; without its data nobody takes its cursor for one to resume from.
    await end()
    return { done: false, value: { errors: result.errors } }
  }

  return {
    async next() {
      try {
        return await nextResult()
      } catch (error) {
        if (ended) return DONE
        await end()
        return { done: false, value: fail(error) }
      }
    },
    return: end,
    async throw(error) {
      await end()
      throw error
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}
