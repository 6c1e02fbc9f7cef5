import { AppError } from '../errors.ts'

/** Limits the websockets and event streams that each principal may hold open. */
export interface ConnectionLimit {
  /**
   * Counts one more connection and returns the function that releases it. Throws RATE_LIMITED at
   * the limit.
   */
  acquire(principal: string | null): () => void
}

export function createConnectionLimit(limit: number): ConnectionLimit {
  const open = new Map<string, number>()
  return {
    acquire(principal) {
      if (principal === null) return () => undefined
      const count = open.get(principal) ?? 0
      if (count >= limit)
        throw new AppError('RATE_LIMITED', `You already have ${limit} open websockets and streams. Close one first.`)
      open.set(principal, count + 1)
      let released = false
      return () => {
        if (released) return
        released = true
        const left = (open.get(principal) ?? 1) - 1
        if (left === 0) open.delete(principal)
        else open.set(principal, left)
      }
    },
  }
}
