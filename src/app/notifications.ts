import type { Config } from '../config.ts'
import type { DatabaseHandle } from '../database/client.ts'
import type { EventTail } from '../events/tail.ts'
import type { GatewayLog } from '../gateway/gateway-context.ts'
import { createChannels } from '../modules/notifications/background/channels.ts'
import { type NotificationWorker, startNotificationWorker } from '../modules/notifications/background/worker.ts'
import type { OutboundHttp } from '../outbound/http.ts'

interface Parts {
  database: DatabaseHandle
  tail: EventTail
  log: GatewayLog
  outbound: OutboundHttp
}

/** Starts the background work of notifications, unless this server leaves it to others. */
export async function startNotifications(
  { BACKGROUND_WORK, DUE_SOON_MINUTES, DELIVERY_RETRY, SMTP_URL, MAIL_FROM }: Config,
  { database, tail, log, outbound }: Parts,
): Promise<NotificationWorker> {
  if (BACKGROUND_WORK === 'off') return { close: () => Promise.resolve() }
  const mailer = SMTP_URL && MAIL_FROM ? await openMailer(SMTP_URL, MAIL_FROM) : undefined
  const worker = startNotificationWorker({
    database,
    tail,
    log,
    channels: createChannels({ http: outbound, mailer }),
    leadMinutes: DUE_SOON_MINUTES,
    retryMs: DELIVERY_RETRY,
  })
  return {
    async close() {
      await worker.close()
      mailer?.close()
    },
  }
}

/** Most servers start faster without nodemailer. */
async function openMailer(url: string, from: string) {
  const { createMailer } = await import('../outbound/mail.ts')
  return createMailer({ url, from })
}
