import { isRetryable } from './errors.ts'
import { usesSavepoints } from './savepoints.ts'

const ATTEMPTS = 5

/** No attempt starts later than this after the first: a long wait for a lock is not repeated. */
const RETRY_FOR_MS = 5_000

/**
 * Runs work again if PostgreSQL aborted it because of a deadlock or a conflicting change. The
 * work must be a single statement or a whole transaction, so that nothing of the failed attempt
 * remains. Inside an outer transaction it runs once: that transaction holds the locks, so its
 * owner retries.
 */
export async function retryOnDeadlock<T>(db: object, work: (isLast: boolean) => Promise<T>): Promise<T> {
  const attempts = usesSavepoints(db) ? 1 : ATTEMPTS
  const latest = performance.now() + RETRY_FOR_MS
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt === attempts)
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error) || performance.now() > latest) throw error
      // A random delay, so that the competing transactions do not collide again.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt))
    }
  }
}
