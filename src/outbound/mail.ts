import { createTransport } from 'nodemailer'

export interface Mail {
  /** Stays the same when the mail is sent again, so that a receiver can drop the repetition. */
  id: string
  to: string
  subject: string
  text: string
}

export interface Mailer {
  /** Sends a mail. Rejects with an error whose `permanent` is true if trying again is useless. */
  send(mail: Mail): Promise<void>
  close(): void
}

/** A mail server's refusal, or a failure to reach it. */
export class MailError extends Error {
  readonly permanent: boolean

  constructor(error: Error) {
    super(error.message, { cause: error })
    // 5yz is a permanent refusal (RFC 5321, 4.2.1), 4yz one for now.
    const { responseCode = 0, code } = error as { responseCode?: number; code?: string }
    this.permanent = responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE')
  }
}

const TIMEOUT_MS = 20_000
const MAX_CONNECTIONS = 3

/** Creates a mailer that keeps a few connections to an SMTP server, for mails from `from`. */
export function createMailer({ url, from }: { url: string; from: string }): Mailer {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: MAX_CONNECTIONS,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    // A text is never a file name or a URL to read.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const domain = from.replace(/^.*@/, '').replace(/>.*$/, '').trim()
  return {
    async send({ id, to, subject, text }) {
      const mail = {
        from,
        // An object is not parsed: an address cannot add recipients.
        to: { name: '', address: to },
        subject,
        text,
        messageId: `<${id}@${domain}>`,
        // Keeps holiday replies away (RFC 3834).
        headers: { 'Auto-Submitted': 'auto-generated' },
      }
      await transport.sendMail(mail).catch((error: Error) => {
        throw new MailError(error)
      })
    },
    close: () => transport.close(),
  }
}
