import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Database } from '../database/client.ts'
import { EventStream } from './stream.ts'
import { ALL_TOPICS, type SubscribeOptions, type Topics } from './subscription.ts'
import type { EventTail } from './tail.ts'

/** Fans the log out to any number of subscribers. */
export interface EventHub {
  /**
   * Streams the selected events in log order, without loss or repetition: first the events after
   * `after` from the log, then live events. While resuming it does not read ahead. Live, it queues
   * at most `maxQueue` events for a client that does not read (`hold`), then ends with a
   * StreamEndedError. Throws CURSOR_EXPIRED if the log no longer reaches back to `after`. A stream
   * that was never read needs no clean-up.
   */
  subscribe<T>(options: SubscribeOptions<T>): EventStream<T>
  /** Number of streams being read. */
  readonly size: number
  /** Number of topics that have a subscriber. */
  readonly topics: number
  /** Ends every stream with a StreamEndedError. */
  close(): void
}

/** A stream of any type, as the hub uses it. */
type AnyStream = Pick<EventStream<unknown>, 'offer' | 'replayAgain' | 'stop' | 'lose'>

export interface HubOptions {
  /** Maximum number of events queued for a client that does not read. */
  maxQueue?: number
}

/** Deliveries (events times streams) between two pauses. About 20 ms of work. */
const DELIVERIES_PER_TURN = 2_000

/**
 * Interval for checking slow streams, and the number of checks without progress after which
 * waiting ends.
 */
const CHECK_INTERVAL_MS = 20
const MAX_IDLE_CHECKS = 10

/**
 * How many slow streams can read the log on their own: this share of all streams, or half of them
 * up to FEW, whichever is more.
 */
const FEW_SHARE = 0.05
const FEW = 32

export function createHub(
  tail: EventTail,
  db: Pick<Database, 'event'>,
  { maxQueue = 1_000 }: HubOptions = {},
): EventHub {
  const open = new Set<AnyStream>()
  const byTopic = new Map<string, Set<AnyStream>>()
  const everywhere = new Set<AnyStream>()
  /** Streams that are behind although their clients read: the server itself has to catch up. */
  const behind = new Set<AnyStream>()
  let caughtUp: (() => void) | undefined
  /** Counts the values taken from streams that are behind. */
  let progress = 0
  let closed = false

  let deliveries = 0

  const stop = tail.onEvent((event) => {
    const streams = byTopic.get(event.projectId ?? event.subjectId)
    for (const stream of everywhere) stream.offer(event)
    for (const stream of streams ?? []) stream.offer(event)
    deliveries += everywhere.size + (streams?.size ?? 0)
    if (deliveries < DELIVERIES_PER_TURN && behind.size === 0) return undefined
    deliveries = 0
    return pause()
  })

  tail.onRewind(() => {
    for (const stream of open) stream.lose()
  })

  /** Yields to the event loop, so that streams can send and the server can do other work. */
  async function pause(): Promise<void> {
    await setImmediate()
    if (behind.size > 0) await catchUp()
  }

  /**
   * Waits for streams that are behind. If the server is slow there are many, and computing each
   * event once for all of them is cheaper. If there are only a few, or none makes progress, they
   * go back to reading the log, so that nobody waits for them.
   */
  async function catchUp(): Promise<void> {
    let idle = 0
    for (let before = progress; behind.size > 0; before = progress) {
      await Promise.race([new Promise<void>((resolve) => (caughtUp = resolve)), setTimeout(CHECK_INTERVAL_MS)])
      idle = progress === before ? idle + 1 : 0
      const few = Math.max(open.size * FEW_SHARE, Math.min(FEW, open.size / 2))
      if (behind.size > few && idle < MAX_IDLE_CHECKS) continue
      for (const stream of [...behind]) stream.replayAgain()
    }
  }

  function enter(stream: AnyStream, topics: Topics | typeof ALL_TOPICS): () => void {
    open.add(stream)
    if (topics === ALL_TOPICS) {
      everywhere.add(stream)
      return () => everywhere.delete(stream)
    }
    const mine = new Set<string>()
    const change = (topic: string, added: boolean) => {
      const streams = byTopic.get(topic) ?? new Set()
      if (added) {
        mine.add(topic)
        byTopic.set(topic, streams.add(stream))
      } else {
        mine.delete(topic)
        streams.delete(stream)
        if (streams.size === 0) byTopic.delete(topic)
      }
    }
    for (const topic of topics.now()) change(topic, true)
    const stopChanges = topics.onChange(change)
    return () => {
      stopChanges()
      for (const topic of mine) change(topic, false)
    }
  }

  return {
    subscribe<T>(options: SubscribeOptions<T>) {
      // "Now" is the time of this call, not of the first read.
      const start = options.after === undefined ? tail.newest() : Promise.resolve(options.after)
      // The first read reports a failure.
      start.catch(() => {})
      let leave = () => {}
      const stream = new EventStream<T>({
        tail,
        db,
        maxQueue,
        start,
        options,
        opened() {
          leave = enter(stream, options.topics)
        },
        ended() {
          leave()
          open.delete(stream)
        },
        behind(isBehind) {
          if (isBehind) behind.add(stream)
          else if (behind.delete(stream) && behind.size === 0) caughtUp?.()
        },
        progressed() {
          progress++
        },
      })
      if (closed) stream.stop()
      return stream
    },
    get size() {
      return open.size
    },
    get topics() {
      return byTopic.size
    },
    close() {
      closed = true
      stop()
      for (const stream of open) stream.stop()
    },
  }
}
