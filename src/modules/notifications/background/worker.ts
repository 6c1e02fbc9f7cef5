import type { DatabaseHandle } from '../../../database/client.ts'
import type { Log } from '../../../database/connection.ts'
import { createLease, LeaseLostError } from '../../../database/lease.ts'
import type { EventTail } from '../../../events/tail.ts'
import type { DeliveryChannel } from '../../../generated/prisma/enums.ts'
import type { Channels } from './channels.ts'
import { createDeliveries } from './deliveries.ts'
import { Progress, type State } from './progress.ts'
import { isRelevant } from './relevant.ts'

export interface WorkerOptions {
  database: DatabaseHandle
  tail: EventTail
  log: Log
  channels: Channels
  /** How long before it is due a task is due soon, in minutes. */
  leadMinutes: number
  /** Wait before a message is sent for the second time, in milliseconds. */
  retryMs: number
}

export interface NotificationWorker {
  close(): Promise<void>
}

/** How long the other servers wait until they take over from one that has died. */
const LEASE_MS = 5_000

/** How often the working server looks for messages to send, and how often the others try to take over. */
const TICK_MS = 1_000
const TAKE_OVER_MS = 1_500

/** Wait after a failure. */
const FAILED_MS = 2_000

const REMIND_MS = 5_000

/** How often the position is stored if nothing else is. On the embedded database nobody waits for it. */
const KEEP_MS = LEASE_MS / 3
const EMBEDDED_KEEP_MS = 30_000

const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/**
 * Starts the background work: it makes notifications from the event log and when tasks become due, and
 * sends them. One server at a time does it, under a lease.
 */
export function startNotificationWorker(options: WorkerOptions): NotificationWorker {
  const { database, tail, log, channels, leadMinutes, retryMs } = options
  const { db, embedded } = database
  const closing = new AbortController()
  const { signal } = closing
  const initial: State = {
    position: String(tail.position),
    clock: { dueAt: new Date().toISOString(), taskId: FIRST_ID },
  }
  const lease = createLease(db, { name: 'notifications', initial, lengthMs: LEASE_MS, exclusive: embedded })
  const deliveries = createDeliveries({ db, log, channels, retryMs, maySend: () => lease.held })

  /** Undefined while another server works. */
  let progress: Progress | undefined
  /** Position of the newest known event. */
  let known = tail.position
  let remindedAt = -Infinity
  let failing = false
  /** True if there is something to do since the last round began. */
  let awake = true
  let wake = () => {}

  const stop = tail.onBatch((events) => {
    const [first, last] = [events[0], events.at(-1)]
    if (!first || !last) return
    const follows = progress?.done === known && known + 1n === first.position
    known = last.position
    // A batch without a relevant event is done by remembering it.
    if (progress && follows && !events.some(isRelevant)) progress.done = known
    else {
      awake = true
      wake()
    }
  })

  async function takeOver(): Promise<void> {
    progress = undefined
    const state = await lease.acquire()
    if (!state) return
    const newest = await tail.newest()
    // Not earlier than what the listener has heard of meanwhile.
    if (newest > known) known = newest
    const channelNames = Object.keys(channels) as DeliveryChannel[]
    progress = new Progress({ db, lease, channels: channelNames, leadMinutes, signal }, state)
    // The log has become shorter, after a restore.
    if (progress.done > newest) progress.done = newest
    remindedAt = -Infinity
  }

  async function round(): Promise<void> {
    if (!progress || !lease.held) await takeOver()
    if (!progress) return
    let made = await progress.readLog(known)
    if (performance.now() - remindedAt > REMIND_MS) {
      made += await progress.remind()
      remindedAt = performance.now()
    }
    if (made > 0) tail.wake({ keepsViewers: true })
    await progress.keep(embedded ? EMBEDDED_KEEP_MS : KEEP_MS, !embedded)
    await deliveries.send()
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      awake = false
      try {
        await round()
        if (failing) log.info({}, 'making notifications again')
        failing = false
      } catch (error) {
        if (error instanceof LeaseLostError) progress = undefined
        else if (!failing && !signal.aborted) log.warn({ err: error }, 'cannot make notifications; trying again')
        failing = !(error instanceof LeaseLostError)
      }
      if (failing) await pause(FAILED_MS, false)
      else if (!progress) await pause(TAKE_OVER_MS, false)
      else if (!awake) await pause(TICK_MS, true)
    }
  }

  /** Waits, until there is something to do if `wakes`. Closing ends it. */
  function pause(ms: number, wakes: boolean): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        wake = () => {}
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal.addEventListener('abort', end)
      if (wakes) wake = end
    })
  }

  const running = run()
  return {
    async close() {
      stop()
      closing.abort()
      await running
      await deliveries.close()
      await lease.release().catch((error: unknown) => log.warn({ err: error }, 'could not free the lease'))
    },
  }
}
