import type { DeliveryChannel } from '../../../generated/prisma/enums.ts'
import { type OutboundHttp, RefusedRequestError } from '../../../outbound/http.ts'
import type { MailError, Mailer } from '../../../outbound/mail.ts'
import type { MessageText } from './message.ts'

/** A message with its addresses. The id stays the same when it is sent again. */
export interface Message extends MessageText {
  id: string
  email: string
  pushUrl: string | null
}

/** Why a delivery will never succeed, however often it is repeated. */
export class UndeliverableError extends Error {}

export type Channels = Readonly<
  Partial<Record<DeliveryChannel, (message: Message, signal: AbortSignal) => Promise<void>>>
>

/** Returns the ways by which this server can send messages. */
export function createChannels({ http, mailer }: { http: OutboundHttp; mailer: Mailer | undefined }): Channels {
  return {
    ...(mailer && {
      async EMAIL({ id, email, subject, text }) {
        await mailer.send({ id, to: email, subject, text }).catch((error: unknown) => {
          throw isPermanent(error) ? undeliverable(error) : error
        })
      },
    }),
    async PUSH({ id, pushUrl, subject, text }, signal) {
      if (pushUrl === null) throw new UndeliverableError('the user has no push URL any more')
      const headers = {
        'content-type': 'text/plain; charset=utf-8',
        title: headerText(subject),
        // For receivers that drop repetitions.
        'idempotency-key': id,
      }
      const { status } = await http
        .send({ method: 'POST', url: pushUrl, headers, body: text, signal })
        .catch((error: unknown) => {
          throw error instanceof RefusedRequestError ? undeliverable(error) : error
        })
      if (status >= 200 && status < 300) return
      const message = `the push URL answered ${status}`
      throw isForNow(status) ? new Error(message) : new UndeliverableError(message)
    },
  }
}

const isPermanent = (error: unknown): error is MailError => (error as Partial<MailError>).permanent === true

const undeliverable = (error: Error) => new UndeliverableError(error.message, { cause: error })

/** Request time-out, too early, too many requests, and failures of the server. */
const isForNow = (status: number) => status === 408 || status === 425 || status === 429 || status >= 500

/** Encodes text that is not ASCII as RFC 2047 says, which ntfy reads. */
function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`
}
