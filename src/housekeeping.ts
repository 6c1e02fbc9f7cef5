import type { GatewayLog } from './gateway/context.ts'

/** Something to be done now and then, by every server; whichever comes first does it. */
export interface Chore {
  name: string
  /** Answers how many things it cleared away. Stops soon when the signal says so. */
  run(signal: AbortSignal): Promise<number>
}

const EVERY_MS = 3_600_000

/** Does its chores at the start and every hour from then on, one after the other. What fails is tried again at the next hour. */
export function startHousekeeping(chores: readonly Chore[], log: GatewayLog): { close(): Promise<void> } {
  const closing = new AbortController()
  const { signal } = closing
  async function round(): Promise<void> {
    for (const { name, run } of chores) {
      if (signal.aborted) return
      try {
        const count = await run(signal)
        if (count > 0) log.info({ chore: name, count }, 'cleared away')
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error, chore: name }, 'a chore failed')
      }
    }
  }
  let running = round()
  const timer = setInterval(() => {
    running = running.then(round)
  }, EVERY_MS).unref()
  return {
    async close() {
      closing.abort()
      clearInterval(timer)
      await running
    },
  }
}
