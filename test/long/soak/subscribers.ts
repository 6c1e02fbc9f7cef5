import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../support/random.ts'
import type { RestartableServer } from './servers.ts'
import type { ReceivedEvent, Spec } from './specs.ts'
import type { Transport } from './transports.ts'

/** Follows events, loses its connection, and resumes on any server until it is stopped. */
export interface Subscriber {
  name: string
  spec: Spec
  received: ReceivedEvent[]
  /** Number of connections dropped. */
  cuts: number
  /** Number of those that had not received an event. */
  cutEarly: number
  /** How often the server ended a stream, by code. */
  endings: Map<string, number>
  /** Resolves when an event of this task has arrived. */
  until(taskId: string): Promise<void>
  /** Stops dropping connections. */
  calm(): void
  stop(): Promise<void>
}

export interface SubscriberOptions {
  name: string
  spec: Spec
  transport: Transport
  servers: readonly RestartableServer[]
  /** The cursor to start from. */
  start: string
  random: Random
  /** Pauses reading at random. */
  slow: boolean
}

/** Number of connections that are dropped before an event can arrive. */
const CUT_EARLY = 3
const EARLY_MS = 40
const MAX_CONNECTED_MS = 3_000
const MAX_PAUSE_MS = 400

export function startSubscriber(options: SubscriberOptions): Subscriber {
  const { name, spec, transport, servers, random, slow } = options
  const received: ReceivedEvent[] = []
  const endings = new Map<string, number>()
  let cursor = options.start
  let calm = false
  let stopped = false
  let awaited: { taskId: string; resolve: () => void } | undefined
  let wake = () => {}

  const listener = {
    event(event: ReceivedEvent, at: string) {
      received.push(event)
      cursor = at
      if (awaited && event.taskId === awaited.taskId) awaited.resolve()
    },
    cursor(at: string) {
      cursor = at
    },
  }

  /** Waits, but returns early when `wake` is called. */
  const rest = (ms: number) => Promise.race([wait(ms), new Promise<void>((resolve) => (wake = resolve))])

  async function disturb(session: ReturnType<Transport>, over: { yet: boolean }): Promise<void> {
    const early = subscriber.cuts < CUT_EARLY || random.chance(0.2)
    const until = performance.now() + random.below(early ? EARLY_MS : MAX_CONNECTED_MS)
    const before = received.length
    while (!calm && !over.yet && performance.now() < until) {
      if (slow) session.pause()
      await rest(Math.min(random.below(MAX_PAUSE_MS), Math.max(0, until - performance.now())))
      if (slow) session.resume()
      await rest(Math.min(random.below(MAX_PAUSE_MS), Math.max(0, until - performance.now())))
    }
    if (calm || over.yet) return
    subscriber.cuts++
    if (received.length === before) subscriber.cutEarly++
    session.cut()
  }

  async function run(): Promise<void> {
    while (!stopped) {
      const over = { yet: false }
      const session = transport(random.pick(servers).url, spec, cursor, listener)
      const stopping = setInterval(() => stopped && session.cut(), 50)
      const disturbed = disturb(session, over)
      const ending = await session.ended
      over.yet = true
      clearInterval(stopping)
      wake()
      await disturbed
      if (ending.code !== undefined && !stopped) endings.set(ending.code, (endings.get(ending.code) ?? 0) + 1)
      if (ending.cursor !== undefined) cursor = ending.cursor
      if (!stopped) await wait(random.below(100))
    }
  }

  const subscriber: Subscriber = {
    name,
    spec,
    received,
    endings,
    cuts: 0,
    cutEarly: 0,
    until: (taskId) =>
      new Promise((resolve) => {
        awaited = { taskId, resolve }
        if (received.some((event) => event.taskId === taskId)) resolve()
      }),
    calm() {
      calm = true
      wake()
    },
    async stop() {
      stopped = true
      await running
    },
  }
  const running = run()
  return subscriber
}
