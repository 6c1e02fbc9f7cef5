import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Database } from '../database/client.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import type { LoggedEvent } from './log.ts'
import { EventStream } from './stream.ts'
import type { EventTail } from './tail.ts'

/** Whose events a stream may be told of, as they are now and as they change. */
export interface Topics {
  now(): Iterable<string>
  /** Calls back with each topic that is added or taken away, before the batch that says so is handed out. Answers the way to stop. */
  onChange(listener: (topic: string, added: boolean) => void): () => void
}

/** The events of every topic, and those of none. */
export const ALL_TOPICS = 'all'

export interface SubscribeOptions<T> {
  /** Start behind this position; without it, at the end of the log as it is now. */
  after?: bigint
  topics: Topics | typeof ALL_TOPICS
  /**
   * What the subscriber is to have of an event, asked when it is handed out, after what listens to batches; nothing where it is not
   * to see it. What has to be looked up may be promised.
   */
  select(event: LoggedEvent): T | undefined | Promise<T | undefined>
  /** Whether the subscriber may still have what it was given, asked once it is worked out. */
  stands?: (value: T) => boolean
  /** What `select` can want, to read less of the log when resuming. */
  where?: Prisma.EventWhereInput
  signal?: AbortSignal
  /** Called once when the stream ends, however it does. */
  onEnd?: () => void
}

/** Hands the log out to any number of subscribers. */
export interface EventHub {
  /**
   * What a subscriber selects, in log order, none left out and none twice: first what is behind `after` from the log, then
   * the live events. Reads nothing ahead while it resumes; live, it queues at most `maxQueue` events for a client that takes
   * nothing (`hold`), and then ends with a StreamEndedError. CURSOR_EXPIRED when the log no longer reaches back to `after`. It needs no
   * clean-up unless it was read from.
   */
  subscribe<T>(options: SubscribeOptions<T>): EventStream<T>
  /** The streams being read. */
  readonly size: number
  /** The topics that any of them follows. */
  readonly topics: number
  /** Ends every stream with a StreamEndedError. */
  close(): void
}

/** As the hub knows streams: whatever they select. */
type AnyStream = Pick<EventStream<unknown>, 'offer' | 'readOn' | 'stop'>

export interface HubOptions {
  /** Events kept for a stream whose client does not take them. */
  maxQueue?: number
}

/** Events times streams between two pauses: some 20 ms of work. */
const AT_ONCE = 2_000

/** Who is behind is looked at again this often, and not waited for when nobody took anything so many times. */
const PATIENCE_MS = 20
const MOST_IDLE = 10

/** So large a share of the streams reads the log by itself without harm, or of few streams half, up to so many. */
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
  /** Streams that are behind although their clients take what they are given: it is this server that has to catch up. */
  const behind = new Set<AnyStream>()
  let caughtUp: (() => void) | undefined
  /** Counts what they take. */
  let progress = 0
  let closed = false

  let handedOut = 0

  const stop = tail.onEvent((event) => {
    const streams = event.projectId === null ? undefined : byTopic.get(event.projectId)
    for (const stream of everywhere) stream.offer(event)
    for (const stream of streams ?? []) stream.offer(event)
    handedOut += everywhere.size + (streams?.size ?? 0)
    if (handedOut < AT_ONCE && behind.size === 0) return undefined
    handedOut = 0
    return pause()
  })

  /** Lets the streams send what they have, and the server do what else there is to do. */
  async function pause(): Promise<void> {
    await setImmediate()
    if (behind.size > 0) await catchUp()
  }

  /**
   * Waits for the streams that are behind: they are many when the server is, and then each event is better worked out once for all. A few, or
   * those that take nothing, go back to the log instead, so that nobody waits for them.
   */
  async function catchUp(): Promise<void> {
    let idle = 0
    for (let before = progress; behind.size > 0; before = progress) {
      await Promise.race([new Promise<void>((resolve) => (caughtUp = resolve)), setTimeout(PATIENCE_MS)])
      idle = progress === before ? idle + 1 : 0
      const few = Math.max(open.size * FEW_SHARE, Math.min(FEW, open.size / 2))
      if (behind.size > few && idle < MOST_IDLE) continue
      for (const stream of [...behind]) stream.readOn()
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
      // "Now" is the time of this call, not that of the first read.
      const start = options.after === undefined ? tail.newest() : Promise.resolve(options.after)
      // Reported by the first read, if there is one.
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
