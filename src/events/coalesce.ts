/**
 * Runs `work` one at a time. Calls made during a run share the next one, which starts after them.
 */
export function coalesce<T>(work: () => Promise<T>): () => Promise<T> {
  let next: Promise<T> | undefined
  let running: Promise<unknown> = Promise.resolve()
  return () => {
    next ??= running.then(() => {
      next = undefined
      const result = work()
      running = result.catch(() => {})
      return result
    })
    return next
  }
}
