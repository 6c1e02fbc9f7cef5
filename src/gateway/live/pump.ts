import type { Outcome } from './outcome.ts'
import type { EngineStream } from './result-stream.ts'

/** Sends one result to the client. A promise where the client does not take it now: until it has, or is gone. */
export type Send = (outcome: Outcome) => Promise<void> | undefined

/**
 * A client that takes nothing for so long is given up: what waits for it is little, but not nothing. One that wakes up earlier hears
 * how its stream ended, and from which cursor to resume; one that has left the network the system gives up by itself.
 */
export const STALLED_MS = 600_000

/** Sends all results of a stream, each when the client takes it. A stall holds this stream alone: its source ends it when too much waits. */
export async function pump(stream: EngineStream, send: Send): Promise<void> {
  for (let step = await stream.next(); !step.done; step = await stream.next()) {
    const taken = send(step.value)
    if (!taken) continue
    stream.hold(true)
    await taken
    stream.hold(false)
  }
}
