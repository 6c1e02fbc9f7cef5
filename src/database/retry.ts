import { isDeadlock } from './errors.ts'

const ATTEMPTS = 5

/**
 * Does a piece of work again that PostgreSQL broke off because others and it waited for each other. It has to be a statement or a
 * transaction as a whole, of which nothing stayed.
 */
export async function againOnDeadlock<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= ATTEMPTS || !isDeadlock(error)) throw error
      // Not in step with the others, who try again as well.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt))
    }
  }
}
