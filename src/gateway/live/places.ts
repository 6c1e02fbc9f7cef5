import { AppError } from '../errors.ts'

/** Counts what each principal holds open, websockets and event streams alike. */
export interface Places {
  /** Takes a place and answers the way to give it back. RATE_LIMITED where all are taken. */
  take(principal: string | null): () => void
}

export function createPlaces(limit: number): Places {
  const taken = new Map<string, number>()
  return {
    take(principal) {
      if (principal === null) return () => undefined
      const count = taken.get(principal) ?? 0
      if (count >= limit) throw new AppError('RATE_LIMITED', `At most ${limit} sockets and streams a user.`)
      taken.set(principal, count + 1)
      let given = false
      return () => {
        if (given) return
        given = true
        const left = (taken.get(principal) ?? 1) - 1
        if (left === 0) taken.delete(principal)
        else taken.set(principal, left)
      }
    },
  }
}
