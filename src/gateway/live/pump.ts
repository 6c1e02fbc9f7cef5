import type { Outcome } from './outcome.ts'
import type { EngineStream } from './result-stream.ts'

/**
 * Sends one result to the client. Returns a promise under back-pressure: it resolves when the
 * client has taken the result or is gone.
 */
export type Send = (outcome: Outcome) => Promise<void> | undefined

/**
 * Time after which a client that reads nothing is disconnected. Until then it can resume and read
 * how its stream ended and where to continue. The operating system detects clients that have left
 * the network.
 */
export const STALLED_MS = 600_000

/**
 * Sends all results of a stream, each when the client takes it. A slow consumer holds up only its
 * own stream; the source ends it when too much is queued.
 */
export async function pump(stream: EngineStream, send: Send): Promise<void> {
  for (let step = await stream.next(); !step.done; step = await stream.next()) {
    const taken = send(step.value)
    if (!taken) continue
    stream.hold(true)
    await taken
    stream.hold(false)
  }
}
