import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface ReceivedMail {
  to: string
  /** Message-ID without its brackets. */
  id: string
  subject: string
  text: string
}

export interface MailServer {
  url: string
  mails: ReceivedMail[]
  /** Returns an error for a recipient, as an SMTP status, or undefined to take the mail. */
  refuse: (to: string) => number | undefined
  close(): Promise<void>
}

/** Starts an SMTP server on loopback that keeps what it gets. */
export async function mailServer(): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo({ address }, _session, done) {
      const status = kept.refuse(address)
      done(status === undefined ? null : Object.assign(new Error('refused'), { responseCode: status }))
    },
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        mails.push(parse(Buffer.concat(chunks).toString(), envelope.rcptTo.map(({ address }) => address).join()))
        done()
      })
    },
  })
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  const kept: MailServer = {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuse: () => undefined,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return kept
}

function parse(raw: string, to: string): ReceivedMail {
  const [head = '', ...body] = raw.split('\r\n\r\n')
  const header = (name: string) =>
    new RegExp(`^${name}: *(.*(?:\r\n[ \t].*)*)`, 'im').exec(head)?.[1]?.replaceAll('\r\n', '') ?? ''
  return { to, id: header('message-id').replace(/^<|>$/g, ''), subject: header('subject'), text: body.join('\r\n\r\n') }
}
