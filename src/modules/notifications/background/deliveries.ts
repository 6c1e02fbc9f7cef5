import { setTimeout } from 'node:timers/promises'
import type { Database } from '../../../database/client.ts'
import type { Log } from '../../../database/connection.ts'
import { coalesce } from '../../../events/coalesce.ts'
import type { DeliveryChannel } from '../../../generated/prisma/enums.ts'
import { type Channels, UndeliverableError } from './channels.ts'
import { messageText } from './message.ts'
import { type DueDelivery, type Outcome, readDue, storeOutcome } from './outbox.ts'

/** Maximum number of messages of a channel that are sent at a time. */
const MAX_SENDING = 20

/** Longest wait between two attempts, and the age at which a message is given up. */
const MAX_RETRY_MS = 3_600_000
const MAX_AGE_MS = 3 * 86_400_000

/** How long closing waits for what is being sent. */
const CLOSE_MS = 2_000

export interface DeliveryOptions {
  db: Database
  log: Log
  channels: Channels
  /** Returns false if another server may be sending: then nothing more is begun. */
  maySend: () => boolean
  /** Wait before the second attempt, in milliseconds. It doubles with each further one. */
  retryMs: number
}

export interface Deliveries {
  /** Starts sending what is due, up to the maximum at a time. Rejects if the database fails. */
  send(): Promise<void>
  close(): Promise<void>
}

/**
 * Sends the messages of the outbox. One that is being sent when the server dies is sent again: every
 * message arrives at least once, always with the same id.
 */
export function createDeliveries({ db, log, channels, maySend, retryMs }: DeliveryOptions): Deliveries {
  const closing = new AbortController()
  const senders = (Object.keys(channels) as DeliveryChannel[]).map(createSender)

  /** Sends the messages of one channel. */
  function createSender(channel: DeliveryChannel) {
    const sending = new Map<string, Promise<void>>()
    // One read at a time: what it returns is not being sent, and was not sent meanwhile.
    const send = coalesce(async () => {
      const room = MAX_SENDING - sending.size
      if (room <= 0 || closing.signal.aborted || !maySend()) return
      for (const due of await readDue(db, { channel, except: [...sending.keys()], limit: room })) {
        const ended = deliver(channel, due)
          .catch((error: unknown) => log.warn({ err: error }, 'could not store the outcome of a delivery'))
          .finally(() => sending.delete(due.id))
        sending.set(due.id, ended)
        void ended.then(more)
      }
    })
    /** Something else may be due, and has room now. The worker reports a failure with its next call. */
    const more = () => (sending.size < MAX_SENDING / 2 ? send().catch(() => undefined) : undefined)
    return { send, sending }
  }

  async function deliver(channel: DeliveryChannel, due: DueDelivery): Promise<void> {
    const outcome = await attempt(channel, due)
    if (outcome) await storeOutcome(db, { id: due.id, channel }, outcome)
  }

  /** Returns undefined if the server stopped meanwhile. */
  async function attempt(channel: DeliveryChannel, due: DueDelivery): Promise<Outcome | undefined> {
    if (!due.allowed) return { error: 'the recipient can no longer see it', givenUp: true }
    const { id, email, pushUrl, attempts, age } = due
    try {
      await channels[channel]?.({ id, email, pushUrl, ...messageText(due) }, closing.signal)
      return { sent: true }
    } catch (cause) {
      if (closing.signal.aborted) return undefined
      const error = cause instanceof Error ? cause.message : String(cause)
      const givenUp = cause instanceof UndeliverableError || age > MAX_AGE_MS
      log.warn(
        { notificationId: id, channel, error, attempts: attempts + 1, givenUp },
        'could not deliver a notification',
      )
      if (givenUp) return { error, givenUp }
      return { error, retryMs: Math.min(retryMs * 2 ** Math.min(attempts, 20), MAX_RETRY_MS) }
    }
  }

  return {
    async send() {
      for (const { send } of senders) await send()
    },
    async close() {
      closing.abort()
      const running = senders.flatMap(({ sending }) => [...sending.values()])
      await Promise.race([Promise.all(running), setTimeout(CLOSE_MS, undefined, { ref: false })])
    },
  }
}
