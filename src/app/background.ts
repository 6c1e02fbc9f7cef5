import type { GatewayLog } from '../gateway/gateway-context.ts'
import type { Background } from '../request/context.ts'

/** Pieces of work at a time. Further ones are dropped: requests make them faster than the database does. */
const MAX_RUNNING = 100

/** Runs what requests leave behind, and waits for it on `close`. */
export function createBackground(log: GatewayLog): Background & { close(): Promise<void> } {
  const running = new Set<Promise<unknown>>()
  return {
    run(work) {
      if (running.size >= MAX_RUNNING) {
        log.warn({}, 'too much work in the background: dropped some')
        return
      }
      const done: Promise<unknown> = work()
        .catch((error: unknown) => log.error({ err: error }, 'work in the background failed'))
        .finally(() => running.delete(done))
      running.add(done)
    },
    async close() {
      await Promise.all(running)
    },
  }
}
