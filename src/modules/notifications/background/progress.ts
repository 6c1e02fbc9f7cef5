import type { Database } from '../../../database/client.ts'
import type { Lease } from '../../../database/lease.ts'
import type { DeliveryChannel } from '../../../generated/prisma/enums.ts'
import { type ClockState, dueTasks } from './due.ts'
import { insertNotifications, type Wanted } from './insert.ts'
import { readRelevant } from './relevant.ts'
import { wantedBy } from './wanted.ts'

/** How far the work has come: in the log, and on the clock. */
export type State = { position: string; clock: { dueAt: string; taskId: string } }

export interface ProgressOptions {
  db: Database
  lease: Lease<State>
  channels: readonly DeliveryChannel[]
  /** How long before it is due a task is due soon, in minutes. */
  leadMinutes: number
  signal: AbortSignal
}

/** Events, or due tasks, per transaction. Small, because the embedded database has one connection. */
const BATCH = 200

/**
 * The making of notifications, from where it has come to. How far that is becomes stored in the
 * transaction that makes them, so that a crash neither loses nor repeats one.
 */
export class Progress {
  readonly #options: ProgressOptions
  /** Position up to which events are handled. */
  done: bigint
  #clock: ClockState
  #stored: bigint
  #storedAt = performance.now()

  constructor(options: ProgressOptions, state: State) {
    this.#options = options
    this.done = BigInt(state.position)
    this.#stored = this.done
    this.#clock = state.clock
  }

  /** Handles the log up to a position. Returns how many notifications it made. */
  async readLog(until: bigint): Promise<number> {
    const { db, signal } = this.#options
    let made = 0
    while (this.done < until && !signal.aborted) {
      const events = await readRelevant(db, { after: this.done, until, limit: BATCH })
      const end = events.length < BATCH ? until : (events.at(-1)?.position ?? until)
      const wanted = await wantedBy(db, events, new Date(this.#clock.dueAt))
      made += await this.#make(wanted, { done: end, clock: this.#clock })
      this.done = end
    }
    return made
  }

  /** Reminds of tasks that have become due soon. Returns how many notifications it made. */
  async remind(): Promise<number> {
    const { db, leadMinutes, signal } = this.#options
    let made = 0
    for (let more = true; more && !signal.aborted; ) {
      const due = await dueTasks(db, this.#clock, { leadMinutes, limit: BATCH })
      made += await this.#make(due.wanted, { done: this.done, clock: due.state })
      this.#clock = due.state
      more = !due.done
    }
    return made
  }

  /** Makes notifications and stores how far the work has come, both or neither. */
  async #make(wanted: readonly Wanted[], { done, clock }: { done: bigint; clock: ClockState }): Promise<number> {
    if (wanted.length === 0) return 0
    const { db, lease, channels } = this.#options
    const made = await db.$transaction(async (tx) => {
      await lease.keep(tx, { position: String(done), clock: { ...clock } })
      return insertNotifications(tx, wanted, channels)
    })
    this.#stored = done
    this.#storedAt = performance.now()
    return made
  }

  /** Extends the lease if it was not for this long. Without changes only if `always`. */
  async keep(afterMs: number, always: boolean): Promise<void> {
    if (performance.now() - this.#storedAt < afterMs || (this.#stored === this.done && !always)) return
    const { db, lease } = this.#options
    const { done } = this
    await lease.keep(db, { position: String(done), clock: { ...this.#clock } })
    this.#stored = done
    this.#storedAt = performance.now()
  }
}
