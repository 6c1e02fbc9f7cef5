import type { Prisma } from '../generated/prisma/client.ts'
import type { LoggedEvent } from './log.ts'

/**
 * The topics whose events a stream receives, now and as they change. The topic of an internal event
 * is its subject.
 */
export interface Topics {
  now(): Iterable<string>
  /**
   * Calls back with each topic that is added or removed, before the batch with that change is
   * delivered. Returns a function that stops listening.
   */
  onChange(listener: (topic: string, added: boolean) => void): () => void
}

/** Receives all events, including those without a topic. */
export const ALL_TOPICS = 'all'

export interface SubscribeOptions<T> {
  /** Start after this position. By default the stream starts at the current end of the log. */
  after?: bigint
  /** The cursor of `after`. Judged again on the first read: an epoch may have begun since. */
  cursor?: string
  topics: Topics | typeof ALL_TOPICS
  /**
   * Returns what the subscriber gets for an event, or undefined to skip it. Called when the event
   * is delivered, after the batch listeners. Returns a promise if it needs a look-up.
   */
  select(event: LoggedEvent): T | undefined | Promise<T | undefined>
  /**
   * Returns false if the subscriber has lost access to the value. Called once its
   * result is computed.
   */
  mayDeliver?: (value: T) => boolean
  /** Must include everything `select` can accept. Narrows the query on the log when resuming. */
  where?: Prisma.EventWhereInput
  signal?: AbortSignal
  /** Called once when the stream ends for any reason. */
  onEnd?: () => void
}
