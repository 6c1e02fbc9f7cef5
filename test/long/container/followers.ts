import { createClient } from 'graphql-ws'
import WebSocket from 'ws'

const PAUSE_MS = 100

export interface Follower {
  /** Ids of the created tasks, in the order of their events. */
  seen: string[]
  /** How many streams it has opened. */
  streams(): number
  stop(): void
}

type Take = (event: { cursor: string; type: string; task?: { id: string } | null; taskId?: string }) => void

/** Follows events of tasks and resumes from the last cursor whenever the stream ends. */
export function follow(protocol: 'websocket' | 'sse', url: string, token: string, from: string): Follower {
  const open = protocol === 'websocket' ? openWebsocket : openSse
  const stopped = new AbortController()
  const seen: string[] = []
  let cursor = from
  let streams = 0
  const take: Take = (event) => {
    cursor = event.cursor
    const id = event.taskId ?? event.task?.id
    if (event.type === 'task.created' && id !== undefined) seen.push(id)
  }
  const run = async () => {
    while (!stopped.signal.aborted) {
      streams++
      await open(url, token, cursor, take, stopped.signal).catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
  void run()
  return { seen, streams: () => streams, stop: () => stopped.abort() }
}

async function openWebsocket(
  url: string,
  token: string,
  after: string,
  take: Take,
  signal: AbortSignal,
): Promise<void> {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${token}` },
  })
  const query = 'subscription ($after: String) { taskEvents(after: $after) { cursor type taskId } }'
  const end = () => void client.dispose()
  signal.addEventListener('abort', end, { once: true })
  await new Promise<void>((resolve) => {
    const next = ({ data }: { data?: { taskEvents: Parameters<Take>[0] } | null }) => data && take(data.taskEvents)
    client.subscribe<{ taskEvents: Parameters<Take>[0] }>(
      { query, variables: { after } },
      { next, error: () => resolve(), complete: resolve },
    )
  })
  signal.removeEventListener('abort', end)
  await client.dispose()
}

async function openSse(url: string, token: string, after: string, take: Take, signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'last-event-id': after }
  const { body } = await fetch(`${url}/api/v1/tasks/events`, { headers, signal })
  let text = ''
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    const messages = text.split('\n\n')
    text = messages.pop() ?? ''
    for (const message of messages) {
      const data = /^data: ?(.*)$/m.exec(message)?.[1]
      const cursor = /^id: ?(.*)$/m.exec(message)?.[1]
      if (data && cursor) take({ ...JSON.parse(data), cursor })
    }
  }
}
