import { randomUUID } from 'node:crypto'
import type { GatewayLog } from '../../src/gateway/library/exports.ts'

export interface Notification {
  id: string
  email: string
  message: string
  state: 'QUEUED' | 'SENT' | 'FAILED'
}

export type Deliver = (notification: Notification) => Promise<void>

/** Notifications are accepted at once and delivered afterwards. */
export class Notifications {
  readonly #deliver: Deliver
  readonly #log: GatewayLog
  readonly #all = new Map<string, Notification>()
  readonly #running = new Set<Promise<void>>()

  constructor(deliver: Deliver, log: GatewayLog) {
    this.#deliver = deliver
    this.#log = log
  }

  accept(email: string, message: string): Notification {
    const notification: Notification = { id: randomUUID(), email, message, state: 'QUEUED' }
    this.#all.set(notification.id, notification)
    const running = this.#send(notification).finally(() => this.#running.delete(running))
    this.#running.add(running)
    // A copy, since delivery may be over before the answer is written.
    return { ...notification }
  }

  find = (id: string) => this.#all.get(id)

  /** Resolves when everything that was accepted is delivered or has failed. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async #send(notification: Notification): Promise<void> {
    try {
      await this.#deliver(notification)
      notification.state = 'SENT'
    } catch (error) {
      notification.state = 'FAILED'
      this.#log.error({ err: error, notification: notification.id }, 'a notification was not delivered')
    }
  }
}
