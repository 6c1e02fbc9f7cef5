import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../fuzz/random.ts'
import type { MortalServer } from './servers.ts'
import type { Spec, Told } from './specs.ts'
import type { Transport } from './transports.ts'

/** Somebody who follows, is cut, and resumes on any server, until told that the end has come. */
export interface Subscriber {
  name: string
  spec: Spec
  told: Told[]
  /** Connections that were cut. */
  cuts: number
  /** Those of them that had not had an event. */
  cutEarly: number
  /** Codes the server ended streams with. */
  endings: Map<string, number>
  /** Resolves when the event of this task has come. */
  until(taskId: string): Promise<void>
  /** Cuts no more. */
  calm(): void
  stop(): Promise<void>
}

export interface SubscriberOptions {
  name: string
  spec: Spec
  transport: Transport
  servers: readonly MortalServer[]
  /** The cursor it begins behind, and goes back to while it has nothing. */
  start: string
  random: Random
  /** Reads by fits and starts. */
  slow: boolean
}

/** The first connections are cut before they can have had an event. */
const CUT_EARLY = 3
const EARLY_MS = 40
const LONGEST_MS = 3_000
const MOST_PAUSE_MS = 400

export function startSubscriber(options: SubscriberOptions): Subscriber {
  const { name, spec, transport, servers, random, slow } = options
  const told: Told[] = []
  const endings = new Map<string, number>()
  let cursor = options.start
  let calm = false
  let stopped = false
  let awaited: { taskId: string; resolve: () => void } | undefined
  let wake = () => {}

  const listener = {
    event(event: Told, at: string) {
      told.push(event)
      cursor = at
      if (awaited && event.taskId === awaited.taskId) awaited.resolve()
    },
    cursor(at: string) {
      cursor = at
    },
  }

  /** Waits, but not for what is calm by now. */
  const rest = (ms: number) => Promise.race([wait(ms), new Promise<void>((resolve) => (wake = resolve))])

  async function disturb(session: ReturnType<Transport>, over: { yet: boolean }): Promise<void> {
    const early = subscriber.cuts < CUT_EARLY || random.chance(0.2)
    const until = performance.now() + random.below(early ? EARLY_MS : LONGEST_MS)
    const before = told.length
    while (!calm && !over.yet && performance.now() < until) {
      if (slow) session.pause()
      await rest(Math.min(random.below(MOST_PAUSE_MS), Math.max(0, until - performance.now())))
      if (slow) session.resume()
      await rest(Math.min(random.below(MOST_PAUSE_MS), Math.max(0, until - performance.now())))
    }
    if (calm || over.yet) return
    subscriber.cuts++
    if (told.length === before) subscriber.cutEarly++
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
    told,
    endings,
    cuts: 0,
    cutEarly: 0,
    until: (taskId) =>
      new Promise((resolve) => {
        awaited = { taskId, resolve }
        if (told.some((event) => event.taskId === taskId)) resolve()
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
