import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { decodeCursor } from '../../../src/events/log.ts'
import { websocketUrl } from '../../support/crowd.ts'
import type { ReceivedEvent, Spec } from './specs.ts'

/** How a stream ended. If the server ended it: its error code and the cursor to resume from. */
export interface Ending {
  code?: string | undefined
  cursor?: string | undefined
}

export interface Session {
  ended: Promise<Ending>
  /** Destroys the connection. */
  cut(): void
  /** Stops reading from the socket. */
  pause(): void
  resume(): void
}

export interface Listener {
  event(received: ReceivedEvent, cursor: string): void
  /** Receives a cursor that came without an event. */
  cursor(cursor: string): void
}

export type Transport = (url: string, spec: Spec, after: string, listener: Listener) => Session

/** Each subscribes to the events after a cursor. */
export const TRANSPORTS: Record<string, Transport> = {
  websocket: overWebsocket,
  'GraphQL SSE': overGraphqlSse,
  'REST SSE': overRestSse,
}

interface EventData {
  cursor: string
  taskId: string | null
  version: number
  match: string | null
  task?: { version: number } | null
}

interface Result {
  data?: Record<string, EventData> | null
  errors?: readonly { message: string; extensions?: Problem }[]
}

interface Problem {
  code?: string
  issues?: { path: unknown[]; code: string; message: string }[]
}

function operationOf({ field, projectId, status, task }: Spec, after: string) {
  const query = `subscription ($projectId: ID, $filter: TaskFilter, $after: String) {
    ${field}(projectId: $projectId, filter: $filter, after: $after) { cursor taskId version match ${task ? 'task { version }' : ''} } }`
  return { query, variables: { projectId, filter: status && { status: [status] }, after } }
}

/** Passes an event to the listener, or returns how the stream ended. */
function take({ data, errors }: Result, { field }: Spec, listener: Listener): Ending | undefined {
  const [error] = errors ?? []
  if (error) return endingOf(error.extensions ?? {}, error.message)
  const event = data?.[field]
  if (event) pass(event, listener)
  return undefined
}

function pass({ cursor, taskId, version, match, task }: EventData, listener: Listener): void {
  listener.event(
    { position: Number(decodeCursor(cursor).position), taskId, version, match, taskVersion: task?.version },
    cursor,
  )
}

function endingOf({ code, issues = [] }: Problem, message: string): Ending {
  return { code: `${code ?? message} ${issues[0]?.code ?? ''}`.trim(), cursor: issues[0]?.message }
}

function overWebsocket(url: string, spec: Spec, after: string, listener: Listener): Session {
  let socket: WebSocket | undefined
  let wasCut = false
  class Tracked extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols)
      socket = this
      if (wasCut) this.terminate()
    }
  }
  const client = createClient({
    url: websocketUrl(url),
    webSocketImpl: Tracked,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${spec.viewer.token}` },
  })
  const ended = new Promise<Ending>((resolve) => {
    let ending: Ending = {}
    client.subscribe<Record<string, EventData>>(operationOf(spec, after), {
      next(result) {
        if (!wasCut) ending = take(result as Result, spec, listener) ?? ending
      },
      error(problem) {
        const code = (problem as { code?: number }).code
        if (Array.isArray(problem)) resolve(take({ errors: problem }, spec, listener) ?? {})
        // The server uses codes from 4400 up.
        else resolve(code !== undefined && code >= 4400 ? { code: String(code) } : ending)
      },
      complete: () => resolve(ending),
    })
  })
  return {
    ended: ended.finally(() => client.dispose()),
    cut() {
      wasCut = true
      socket?.terminate()
    },
    pause: () => socket?.pause(),
    resume: () => socket?.resume(),
  }
}

function overGraphqlSse(url: string, spec: Spec, after: string, listener: Listener): Session {
  const body = JSON.stringify(operationOf(spec, after))
  const sent = request(`${url}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${spec.viewer.token}`,
    },
  })
  sent.end(body)
  return readBlocks(sent, ({ data }) => (data ? take(JSON.parse(data), spec, listener) : undefined))
}

/** Resumes like an EventSource, with the last id in a header. */
function overRestSse(url: string, spec: Spec, after: string, listener: Listener): Session {
  const { projectId, status } = spec
  const query = new URLSearchParams({ ...(projectId && { projectId }), ...(status && { status }) })
  const path = spec.field === 'events' ? '/events/stream' : '/tasks/events'
  const sent = request(`${url}/api/v1${path}?${query}`, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${spec.viewer.token}`,
      'last-event-id': after,
    },
  })
  sent.end()
  return readBlocks(sent, ({ id, event, data }) => {
    if (event === 'error') {
      const { code, detail, errors } = JSON.parse(data ?? '{}')
      return endingOf({ code, issues: errors }, detail)
    }
    if (data) pass(JSON.parse(data), listener)
    else if (id) listener.cursor(id)
    return undefined
  })
}

type Block = Partial<Record<string, string>>

/** Reads server-sent events until the stream ends or is cut. */
function readBlocks(sent: ClientRequest, read: (block: Block) => Ending | undefined): Session {
  let wasCut = false
  let response: IncomingMessage | undefined
  const ended = new Promise<Ending>((resolve) => {
    let ending: Ending = {}
    const end = () => resolve(ending)
    sent.once('error', end)
    sent.once('response', (answer) => {
      response = answer.setEncoding('utf8').once('close', end).once('error', end)
      if (answer.statusCode !== 200) ending = { code: `status ${answer.statusCode}` }
      let text = ''
      answer.on('data', (chunk: string) => {
        text += chunk
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) if (!wasCut) ending = read(fieldsOf(block)) ?? ending
      })
    })
  })
  return {
    ended,
    cut() {
      wasCut = true
      sent.destroy()
    },
    pause: () => response?.pause(),
    resume: () => response?.resume(),
  }
}

const fieldsOf = (block: string): Block =>
  Object.fromEntries(block.split('\n').map((line) => /^(\w*): ?(.*)$/.exec(line)?.slice(1) ?? ['', '']))
