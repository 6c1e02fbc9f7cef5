import { LRUCache } from 'lru-cache'
import { AppError } from '../errors.ts'
import type { KeyedRequest, OnceResult, RunResult } from '../gateway-context.ts'

/** Runs a request that has an idempotency key once, for each caller. */
export interface StoredAnswers {
  once<Answer>(
    principal: string | null,
    request: KeyedRequest,
    run: () => Promise<RunResult<Answer>>,
  ): Promise<OnceResult<Answer>>
}

interface Stored {
  fingerprint: string
  /** As JSON, absent while the operation runs. */
  answer?: string
}

/**
 * Keeps answers in the memory of this process: for a day, the latest first to stay. Enough for one
 * server. Several need a store of their own, and a database one that commits with the change.
 */
export function storeInMemory({ bytes = 16_777_216, ms = 86_400_000 } = {}): StoredAnswers {
  const stored = new LRUCache<string, Stored>({
    maxSize: bytes,
    ttl: ms,
    sizeCalculation: ({ answer = '' }, key) => 200 + key.length + answer.length * 2,
  })
  return {
    async once<Answer>(
      principal: string | null,
      { key, fingerprint }: KeyedRequest,
      run: () => Promise<RunResult<Answer>>,
    ): Promise<OnceResult<Answer>> {
      const name = JSON.stringify([principal, key])
      const known = stored.get(name)
      if (known && known.fingerprint !== fingerprint)
        throw new AppError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used for another request.')
      if (known && known.answer === undefined) {
        const headers = { 'Retry-After': '1' }
        throw new AppError('CONFLICT', 'A request with this Idempotency-Key is still running.', { headers })
      }
      if (known?.answer !== undefined) return { answer: JSON.parse(known.answer), replayed: true }
      stored.set(name, { fingerprint })
      try {
        const { answer, failures } = await run()
        if (failures.length > 0) stored.delete(name)
        else stored.set(name, { fingerprint, answer: JSON.stringify(answer) })
        return { answer, replayed: false }
      } catch (error) {
        stored.delete(name)
        throw error
      }
    },
  }
}
