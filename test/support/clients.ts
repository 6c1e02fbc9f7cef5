import { type Client, createClient } from 'graphql-ws'
import { onTestFinished } from 'vitest'
import WebSocket from 'ws'

type Server = { url: string }

export interface RestOptions {
  token?: string | undefined
  /** Sent as JSON. */
  body?: unknown
  /** Sent unchanged. */
  raw?: string | Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
}

export interface RestAnswer {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape they expect
  body: any
}

/** Calls `"GET /tasks"` under the REST base path. */
export async function rest(
  server: Server,
  call: string,
  { token, body, raw, headers = {} }: RestOptions = {},
): Promise<RestAnswer> {
  const [method = 'GET', path = '/'] = call.split(' ')
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: raw ?? (body === undefined ? null : JSON.stringify(body)),
  })
  const text = await response.text()
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '') && text !== ''
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

export interface GraphqlAnswer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: as with RestAnswer
  data: any
  errors?: {
    message: string
    path?: (string | number)[]
    extensions: { code: string; requestId?: string; issues?: Issue[] }
  }[]
}

export interface Issue {
  path: (string | number)[]
  code: string
  message: string
}

/** Runs one operation over HTTP. */
export async function graphql(
  server: Server,
  query: string,
  variables: Record<string, unknown> = {},
  { token, headers = {} }: Pick<RestOptions, 'token' | 'headers'> = {},
): Promise<GraphqlAnswer> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers },
    body: JSON.stringify({ query, variables }),
  })
  return { status: response.status, ...((await response.json()) as Omit<GraphqlAnswer, 'status'>) }
}

/** Opens a graphql-ws client, disposed at the end of the test. */
export function websocketClient(server: Server, token?: string): Client {
  const client = createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: token ? { authorization: `Bearer ${token}` } : {},
  })
  onTestFinished(() => void client.dispose())
  return client
}

/** Subscribes and queues the results, so that none is lost before the test reads it. */
export function subscribe(client: Client, query: string, variables: Record<string, unknown> = {}) {
  const inbox = new Inbox<GraphqlAnswer>()
  const stop = client.subscribe<GraphqlAnswer['data']>(
    { query, variables },
    {
      next: (result) => inbox.push(result as unknown as GraphqlAnswer),
      error: (error) => inbox.end(error),
      complete: () => inbox.end(),
    },
  )
  return { inbox, stop }
}

export interface ServerSentEvent {
  id?: string
  event?: string
  retry?: string
  // biome-ignore lint/suspicious/noExplicitAny: as with RestAnswer
  data?: any
}

/** Opens an SSE stream under the REST base path. Aborted by `cut` or at the end of the test. */
export async function eventStream(server: Server, path: string, { token, headers = {} }: RestOptions = {}) {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const response = await fetch(`${server.url}/api/v1${path}`, {
    headers: { accept: 'text/event-stream', ...(token && { authorization: `Bearer ${token}` }), ...headers },
    signal: abort.signal,
  })
  const inbox = new Inbox<ServerSentEvent>()
  if (response.ok && response.body) void readEvents(response.body, inbox)
  return { response, inbox, cut: () => abort.abort() }
}

async function readEvents(body: ReadableStream<Uint8Array>, inbox: Inbox<ServerSentEvent>): Promise<void> {
  let text = ''
  try {
    for await (const chunk of body.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const event = parseEvent(text.slice(0, end))
        text = text.slice(end + 2)
        if (event.data !== undefined) inbox.push(event)
      }
    }
    inbox.end()
  } catch (error) {
    inbox.end(error)
  }
}

function parseEvent(block: string): ServerSentEvent {
  const lines = block
    .split('\n')
    .flatMap((line) => (/^(\w+): ?(.*)$/.exec(line)?.slice(1, 3) as [string, string] | undefined) ?? [])
  const fields: Record<string, string> = {}
  for (let index = 0; index < lines.length; index += 2) fields[lines[index]!] = lines[index + 1]!
  return { ...fields, ...(fields.data !== undefined && { data: JSON.parse(fields.data) }) }
}

/** Messages in the order they came; `next` waits for one, a minute at most. */
export class Inbox<T> {
  #messages: T[] = []
  #waiting: { resolve: (message: T) => void; reject: (error: unknown) => void }[] = []
  ended: { error?: unknown } | undefined

  push(message: T): void {
    const waiting = this.#waiting.shift()
    if (waiting) waiting.resolve(message)
    else this.#messages.push(message)
  }

  end(error?: unknown): void {
    this.ended ??= { error }
    for (const { reject } of this.#waiting) reject(error ?? new Error('the stream has ended'))
    this.#waiting = []
  }

  get size(): number {
    return this.#messages.length
  }

  next(timeoutMs = 60_000): Promise<T> {
    const message = this.#messages.shift()
    if (message !== undefined) return Promise.resolve(message)
    if (this.ended) return Promise.reject(this.ended.error ?? new Error('the stream has ended'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no message within ${timeoutMs} ms`)), timeoutMs)
      this.#waiting.push({
        resolve: (value) => {
          clearTimeout(timer)
          resolve(value)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
    })
  }
}
