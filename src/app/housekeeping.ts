import type { GatewayLog } from '../gateway/gateway-context.ts'

/** A periodic clean-up. Every server runs it; the first one finds the work. */
export interface Chore {
  name: string
  /** Returns how many rows it removed. Must stop soon after the signal aborts. */
  run(signal: AbortSignal): Promise<number>
}

const EVERY_MS = 3_600_000

/**
 * Runs the chores one after another, after a delay and then every hour. A failed chore runs again
 * after an hour.
 */
export function startHousekeeping(
  chores: readonly Chore[],
  log: GatewayLog,
  { delayMs = 0 } = {},
): { close(): Promise<void> } {
  const closing = new AbortController()
  const { signal } = closing
  async function round(): Promise<void> {
    for (const { name, run } of chores) {
      if (signal.aborted) return
      try {
        const count = await run(signal)
        if (count > 0) log.info({ chore: name, count }, 'housekeeping removed old rows')
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error, chore: name }, 'housekeeping failed')
      }
    }
  }
  let running = Promise.resolve()
  const start = () => {
    running = running.then(round)
  }
  const first = delayMs > 0 ? setTimeout(start, delayMs) : undefined
  if (!first) start()
  const timer = setInterval(start, EVERY_MS).unref()
  return {
    async close() {
      closing.abort()
      clearTimeout(first)
      clearInterval(timer)
      await running
    },
  }
}
