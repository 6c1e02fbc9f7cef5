import { AppError } from '../../gateway/errors.ts'
import type { SearchLimit } from '../../request/context.ts'

export function createSearchLimit(limit: number): SearchLimit {
  /** Number of streams by user and text. */
  const open = new Map<string, Map<string, number>>()
  return {
    acquire(userId, searches) {
      if (searches.length === 0) return () => undefined
      const own = open.get(userId) ?? new Map<string, number>()
      const added = searches.filter((text) => !own.has(text)).length
      if (own.size + added > limit) {
        throw new AppError(
          'RATE_LIMITED',
          `Your open streams would search for more than ${limit} different texts (STREAM_SEARCH_LIMIT). Close some first.`,
        )
      }
      open.set(userId, own)
      for (const text of searches) own.set(text, (own.get(text) ?? 0) + 1)
      let released = false
      return () => {
        if (released) return
        released = true
        for (const text of searches) {
          const left = (own.get(text) ?? 1) - 1
          if (left === 0) own.delete(text)
          else own.set(text, left)
        }
        if (own.size === 0 && open.get(userId) === own) open.delete(userId)
      }
    },
  }
}
