import { isBrokenOff } from './errors.ts'
import { isNested } from './nested.ts'

const ATTEMPTS = 5

/**
 * Does a piece of work again that PostgreSQL broke off because others and it waited for each other. It has to be a statement or a
 * transaction as a whole, of which nothing stayed. Within another's transaction it is not tried again here: the locks that the others
 * wait for are held by all of that, and whoever opened it begins it again.
 */
export async function againOnDeadlock<T>(db: object, work: (isLast: boolean) => Promise<T>): Promise<T> {
  const attempts = isNested(db) ? 1 : ATTEMPTS
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt === attempts)
    } catch (error) {
      if (attempt >= attempts || !isBrokenOff(error)) throw error
      // Not in step with the others, who try again as well.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt))
    }
  }
}
