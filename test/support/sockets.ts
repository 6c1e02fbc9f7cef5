import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { type GraphqlAnswer, Inbox } from './clients.ts'

export interface Closing {
  code: number
  reason: string
}

/** A low-level websocket for messages that a well-behaved client would not send. */
export interface Socket {
  /** Runs an operation and returns its first result. */
  ask(query: string, variables?: Record<string, unknown>): Promise<GraphqlAnswer>
  /** Runs an operation and queues its results. The inbox ends with the operation. */
  follow(query: string, variables?: Record<string, unknown>): Inbox<GraphqlAnswer>
  /** Close code and reason of the server; undefined while the socket is open. */
  readonly closing: Closing | undefined
  close(): void
}

type Message = { id?: string; type: string; payload?: unknown }

/** Opens a websocket and sends `connection_init`. Resolves once it is acknowledged or closed. */
export async function openSocket(
  server: { url: string },
  params: unknown = {},
  headers: Record<string, string> = {},
): Promise<Socket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers })
  onTestFinished(() => socket.terminate())
  const inboxes = new Map<string, Inbox<GraphqlAnswer>>()
  let closing: Closing | undefined
  let acknowledged = () => {}
  const ready = new Promise<void>((resolve, reject) => {
    acknowledged = resolve
    socket.once('error', reject)
  })
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: params })))
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message
    if (message.type === 'connection_ack') return acknowledged()
    const inbox = inboxes.get(message.id ?? '')
    if (message.type === 'next') inbox?.push(message.payload as GraphqlAnswer)
    if (message.type === 'error') inbox?.push({ status: 0, data: null, errors: message.payload as never })
    if (message.type === 'error' || message.type === 'complete') inbox?.end()
  })
  socket.on('close', (code, reason) => {
    closing = { code, reason: String(reason) }
    for (const inbox of inboxes.values()) inbox.end(new Error(`closed with ${code}`))
    acknowledged()
  })
  await ready

  function follow(query: string, variables: Record<string, unknown> = {}): Inbox<GraphqlAnswer> {
    const id = String(inboxes.size + 1)
    const inbox = new Inbox<GraphqlAnswer>()
    inboxes.set(id, inbox)
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }))
    return inbox
  }

  return {
    follow,
    ask: (query, variables) => follow(query, variables).next(),
    get closing() {
      return closing
    },
    close: () => socket.close(),
  }
}

/** Subscribes over GraphQL's own SSE transport. Aborted at the end of the test. */
export async function graphqlStream(
  server: { url: string },
  query: string,
  {
    token,
    headers = {},
    variables = {},
  }: { token?: string; headers?: Record<string, string>; variables?: Record<string, unknown> } = {},
): Promise<{ status: number; inbox: Inbox<GraphqlAnswer> }> {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
    signal: abort.signal,
  })
  const inbox = new Inbox<GraphqlAnswer>()
  if (response.body) void readResults(response.body, inbox)
  return { status: response.status, inbox }
}

async function readResults(body: ReadableStream<Uint8Array>, inbox: Inbox<GraphqlAnswer>): Promise<void> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const found = /^data: ?(\{.*)$/m.exec(text.slice(0, end))?.[1]
        text = text.slice(end + 2)
        if (found) inbox.push(JSON.parse(found))
      }
    }
    // A refusal before the stream starts is plain JSON.
    if (text.trim().startsWith('{')) inbox.push(JSON.parse(text))
    inbox.end()
  } catch (error) {
    inbox.end(error)
  }
}

/** Opens a websocket, completes `connection_init`, and queues all messages. */
export async function openMessages(server: { url: string }, params: unknown = {}) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  onTestFinished(() => socket.terminate())
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
  const inbox = new Inbox<{ id?: string; type: string; payload?: any }>()
  socket.on('message', (data) => inbox.push(JSON.parse(String(data))))
  const send = (message: unknown) => socket.send(JSON.stringify(message))
  await once(socket, 'open')
  send({ type: 'connection_init', payload: params })
  const first = await inbox.next()
  if (first.type !== 'connection_ack') throw new Error(`not acknowledged: ${JSON.stringify(first)}`)
  return { socket, send, inbox }
}
