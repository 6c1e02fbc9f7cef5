import type { WebSocket } from 'ws'
import { createEventLog, createGateway, type Gateway, type GatewayLog } from '../../src/gateway/library/exports.ts'
import { builder, type ChatMessage, type Progress, type RelayContext } from './builder.ts'
import { lines } from './lines.ts'
import { type Deliver, Notifications } from './notifications.ts'
import { messageRules } from './schema.ts'
import type { UpstreamOptions } from './weather.ts'

export interface RelayOptions {
  upstream: UpstreamOptions
  deliver: Deliver
  log: GatewayLog
}

export interface Relay extends Gateway {
  progress: Readonly<Progress>
}

const schema = builder.toSchema({ sortSchema: false })

/** Creates a relay that does not listen yet. */
export async function createRelay({ upstream, deliver, log }: RelayOptions): Promise<Relay> {
  const chat = createEventLog<ChatMessage & { kind: string }>({ capacity: 1_000 })
  const notifications = new Notifications(deliver, log)
  const progress: Progress = { streams: 0, lines: 0, bytes: 0 }
  const gateway = await createGateway({
    schema,
    log,
    context: () => ({ upstream, chat, notifications, progress }),
    streamLimits: { MAX_UPLOAD: 1_073_741_824 },
    extra: [lines],
    websockets: { '/echo': echo, '/chat': (socket) => joinChat(socket, chat) },
    info: {
      title: 'Relay',
      version: '1.0.0',
      description: 'Weather, a chat, notifications and streamed bodies. Plain websockets are at `/echo` and `/chat`.',
      contact: { name: 'The operator of this relay' },
      license: { name: 'MIT', identifier: 'MIT' },
      tags: { streams: 'Bodies that are streamed.' },
      id: { format: 'uuid', minLength: 36, maxLength: 36 },
      securitySchemes: {},
      security: () => [{}],
    },
  })
  async function close(): Promise<void> {
    await gateway.close()
    await notifications.settled()
  }
  return { ...gateway, progress, close }
}

/** Sends back each message, text as text and bytes as bytes. */
function echo(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
}

/** Sends every message of the chat, from whatever protocol, and takes `{name, text}`. */
function joinChat(socket: WebSocket, chat: RelayContext['chat']): void {
  const messages = chat.follow()
  socket.once('close', () => void messages.return?.())
  socket.on('message', (data) => {
    const parsed = messageRules.safeParse(parseJson(String(data)))
    if (parsed.success) chat.append({ ...parsed.data, kind: 'said' })
    else socket.send(JSON.stringify({ error: 'Send a JSON object with the texts name and text.' }))
  })
  void deliverTo(socket, messages)
}

async function deliverTo(socket: WebSocket, messages: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const message of messages) {
      // One at a time, so that a slow client takes no memory. Its log waits for it, up to a point.
      await new Promise<void>((resolve, reject) =>
        socket.send(JSON.stringify(message), (error) => (error ? reject(error) : resolve())),
      )
    }
  } catch {
    socket.close(1013, 'You are too slow: read the chat from the start')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
