import { decodeCursor } from '../../../src/events/log.ts'
import { rest } from '../../support/clients.ts'

type Server = { url: string }

/** An event as a follower got it. */
export interface Followed {
  cursor: string
  type: string
  projectId: string | null
  subjectId: string
  version: number
}

type Named = Pick<Followed, 'subjectId' | 'type' | 'version'>

/** A client that follows all events it sees, resumes wherever it can, and starts again if it must. */
export interface Follower {
  /** What it has got since it last started. */
  readonly events: readonly Followed[]
  /** The cursor from which it last started. */
  readonly start: string
  /** How often it was told CURSOR_EXPIRED. */
  readonly restarts: number
  stop(): Promise<void>
}

export interface FollowOptions {
  onEvent?(event: Followed): void
  /** Loses one of fifty events, as a bug would. */
  drops?: boolean
}

const PAUSE_MS = 100

/** Follows over Server-Sent Events, at each reconnection on the next server. */
export async function follow(
  servers: readonly Server[],
  token: string,
  { onEvent, drops = false }: FollowOptions = {},
): Promise<Follower> {
  let turn = 0
  const next = () => servers[turn++ % servers.length] as Server
  let start = await now()
  let events: Followed[] = []
  let restarts = 0
  let received = 0
  let stopped = false
  let cut = () => {}

  async function now(): Promise<string> {
    for (;;) {
      const answer = await rest(next(), 'GET /events/cursor', { token }).catch(() => undefined)
      if (answer?.status === 200) return answer.body.cursor
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  async function restart(): Promise<void> {
    restarts++
    start = await now()
    events = []
  }

  async function session(): Promise<void> {
    const after = events.at(-1)?.cursor ?? start
    const abort = new AbortController()
    cut = () => abort.abort()
    const { url } = next()
    const response = await fetch(`${url}/api/v1/events/stream?after=${after}`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
      signal: abort.signal,
    })
    if (response.status === 410) return restart()
    if (!response.ok || !response.body) return
    let text = ''
    for await (const chunk of response.body.pipeThrough(
      new TextDecoderStream() as never,
    ) as never as AsyncIterable<string>) {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        if (block.includes('CURSOR_EXPIRED')) return restart()
        const data = /^data: ?(.+)$/m.exec(block)?.[1]
        if (!data || !/^id: ?.+$/m.test(block) || !data.startsWith('{')) continue
        const event = JSON.parse(data) as Followed
        if (!event.cursor || (drops && ++received % 50 === 0)) continue
        events.push(event)
        onEvent?.(event)
      }
    }
  }

  const running = (async () => {
    while (!stopped) {
      await session().catch(() => undefined)
      if (!stopped) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  })()

  return {
    get events() {
      return events
    },
    get start() {
      return start
    },
    get restarts() {
      return restarts
    },
    async stop() {
      stopped = true
      cut()
      await running
    },
  }
}

/** Says how what a follower got differs from the events of the log since it started. */
export function differencesOf({ events, start }: Follower, log: readonly (Named & { position: bigint })[]): string[] {
  const begin = decodeCursor(start).position
  const wanted = log.filter(({ position }) => position > begin).map(nameOf)
  if (wanted.join() === events.map(nameOf).join()) return []
  return [`has ${events.length} events, and the log ${wanted.length} since it started`]
}

const nameOf = ({ subjectId, type, version }: Named) => `${type} ${subjectId} ${version}`
