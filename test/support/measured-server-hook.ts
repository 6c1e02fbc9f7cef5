import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapSpaceStatistics } from 'node:v8'

const delays = monitorEventLoopDelay({ resolution: 5 })

/** Answers of a server that startMeasuredServer runs, into which this is preloaded. */
const ANSWERS: Record<string, () => unknown> = {
  /** The memory in use after a garbage collection. */
  memory() {
    globalThis.gc?.()
    return process.memoryUsage()
  },
  /** CPU time of the main thread, and the delays of the event loop since the last question. */
  load() {
    const { user, system } = process.threadCpuUsage()
    const [delayMs, delayP99Ms] = [delays.max, delays.percentile(99)].map((delay) => Math.max(0, delay / 1e6 - 5))
    delays.reset()
    delays.enable()
    return { cpuMs: (user + system) / 1_000, delayMs, delayP99Ms }
  },
  /** Milliseconds of CPU so far. */
  cpu() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },
  /** Bytes of objects that have survived collections of young objects. They are old after two. */
  survivors() {
    for (let index = 0; index < 3; index++) globalThis.gc?.({ type: 'minor' })
    const old = getHeapSpaceStatistics().filter(({ space_name }) => /^(old|large_object|trusted)/.test(space_name))
    return old.reduce((sum, space) => sum + space.space_used_size, 0)
  },
}

process.on('message', (question: string) => process.send?.(ANSWERS[question]?.()))
// The open channel must not keep a stopped server alive.
process.channel?.unref()
// The server ends with its parent.
process.once('disconnect', () => process.exit())
