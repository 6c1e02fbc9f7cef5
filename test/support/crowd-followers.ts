// Holds many websockets in one process. crowd.ts forks it and sends commands over IPC. Parses as
// little of each message as possible, so that it measures the server and not itself.
import WebSocket from 'ws'

export interface Following {
  url: string
  /** Undefined: a plain websocket without a protocol. */
  operation?: { query: string; variables: Record<string, unknown> }
  token?: string
  count: number
}

export type Command =
  | { do: 'follow'; following: Following[] }
  | { do: 'report' }
  /** Stop reading, like a client that hangs, and continue. */
  | { do: 'stall' }
  | { do: 'resume' }
  | { do: 'close' }

export interface Report {
  /**
   * By task: how many sockets have its event, and when the last one received it (ms
   * since the epoch).
   */
  seen: [taskId: string, count: number, last: number][]
  /** Number of events that each socket received. */
  perSocket: number[]
  /** The text of one message. */
  sample: string
  /** How often each error code ended a subscription, and each close code a socket. */
  endings: Record<string, number>
  /** For each socket whose subscription ended: the cursor to resume from. */
  cursors: (string | undefined)[]
}

const CONCURRENCY = 100
const MARK = '"taskId":"'
const ID_LENGTH = 36

const sockets: WebSocket[] = []
const seen = new Map<string, { count: number; last: number }>()
const perSocket: number[] = []
const endings: Record<string, number> = {}
const cursors: (string | undefined)[] = []
let sample = ''

const now = () => performance.timeOrigin + performance.now()
const note = (ending: string) => {
  endings[ending] = (endings[ending] ?? 0) + 1
}

function open({ url, operation, token }: Following): Promise<void> {
  const index = sockets.length
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, operation ? 'graphql-transport-ws' : [])
    sockets.push(socket)
    perSocket.push(0)
    cursors.push(undefined)
    socket.once('error', reject)
    socket.once('open', () => {
      if (!operation) return resolve()
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }))
    })
    socket.on('close', (code) => note(`closed ${code}`))
    socket.on('message', (data: Buffer) => {
      const at = data.indexOf(MARK)
      if (at >= 0) {
        const taskId = data.toString('latin1', at + MARK.length, at + MARK.length + ID_LENGTH)
        const one = seen.get(taskId)
        if (one) {
          one.count++
          one.last = now()
        } else seen.set(taskId, { count: 1, last: now() })
        perSocket[index] = (perSocket[index] ?? 0) + 1
        if (!sample) sample = String(data)
        return
      }
      const message = JSON.parse(String(data))
      if (message.type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: operation }))
        // The server answers this after the subscription has started.
        socket.send(JSON.stringify({ id: '2', type: 'subscribe', payload: { query: '{ eventCursor }' } }))
      } else if (message.id === '2' && message.type === 'complete') resolve()
      else if (message.id === '1' && message.type === 'next') {
        const issue = message.payload.errors?.[0]?.extensions?.issues?.[0]
        note(`${message.payload.errors?.[0]?.extensions?.code} ${issue?.code}`)
        cursors[index] = issue?.message
      } else if (message.type === 'error') reject(new Error(JSON.stringify(message)))
    })
  })
}

async function follow(all: Following[]): Promise<void> {
  const waiting = all.flatMap((one) => Array.from({ length: one.count }, () => one))
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await open(next)
    }),
  )
}

process.on('message', async (command: Command) => {
  if (command.do === 'follow') await follow(command.following)
  if (command.do === 'stall') for (const socket of sockets) socket.pause()
  if (command.do === 'resume') for (const socket of sockets) socket.resume()
  if (command.do === 'close') for (const socket of sockets.splice(0)) socket.terminate()
  const report: Report = {
    seen: [...seen].map(([taskId, { count, last }]) => [taskId, count, last]),
    perSocket,
    sample,
    endings,
    cursors,
  }
  process.send?.(command.do === 'report' ? report : { done: command.do })
})
