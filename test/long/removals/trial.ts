import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../support/random.ts'
import type { Member, World } from '../../support/world.ts'
import type { RestartableServer } from '../soak/servers.ts'
import type { ReceivedEvent } from '../soak/specs.ts'
import { type Session, TRANSPORTS } from '../soak/transports.ts'

/** Runs one trial after another: a member is removed from `projectId` and stays in `commonsId`. */
export interface Lane {
  world: World
  servers: readonly RestartableServer[]
  random: Random
  member: Member
  projectId: string
  commonsId: string
  taskId: string
}

/** What one stream received during the trial. */
export interface Stream {
  name: string
  received: ReceivedEvent[]
  /** The error code, if the server ended the stream. */
  ending: string | undefined
  /**
   * True once the last event (in `commonsId`) arrived. Undefined if the stream does not
   * cover that project.
   */
  reachedEnd: boolean | undefined
}

export interface Trial {
  lane: Lane
  /** The cursor at which the streams started. */
  start: string
  streams: Stream[]
  /** The lowest task version written after the removal was acknowledged. */
  firstLater: number
}

const WRITERS = 2
const WRITES_AFTER = 3
const MAX_DELAY_MS = 60
const TIMEOUT_MS = 20_000
/** Time for a wrongly sent event to arrive on a stream that receives nothing else. */
const SETTLE_MS = 30

/**
 * Adds the member, subscribes over every transport while the owner writes, and removes the member.
 */
export async function runTrial(lane: Lane): Promise<Trial> {
  const { world, servers, random, member, projectId, commonsId, taskId } = lane
  const anywhere = () => random.pick(servers).url
  await send(world, anywhere(), 'POST', `/projects/${projectId}/members`, { email: member.email, role: 'VIEWER' })
  const { cursor: start } = await send(world, anywhere(), 'GET', '/events/cursor')
  const streams = followAll(lane, start)

  let removed = false
  let stopped = false
  let firstLater = Number.POSITIVE_INFINITY
  const writers = Array.from({ length: WRITERS }, async () => {
    for (let later = 0; later < WRITES_AFTER && !stopped; ) {
      const afterRemoval = removed
      if (afterRemoval) later++
      const title = `Title ${random.below(1e9)}`
      const { version } = await send(world, anywhere(), 'PATCH', `/tasks/${taskId}`, { title })
      if (afterRemoval) firstLater = Math.min(firstLater, version)
    }
  })
  try {
    await inTime('every stream has received an event', () => streams.every(({ stream }) => stream.received.length > 0))
    await wait(random.below(MAX_DELAY_MS))
    await send(world, anywhere(), 'DELETE', `/projects/${projectId}/members/${member.id}`)
    removed = true
    await Promise.all(writers)
  } finally {
    stopped = true
  }
  const last = await send(world, anywhere(), 'POST', '/tasks', { title: 'Last task', projectId: commonsId })
  const reachedEnd = (stream: Stream) => stream.received.some((event) => event.taskId === last.id)
  const expecting = streams.filter(({ stream }) => stream.reachedEnd !== undefined)
  await inTime('every stream has received the last event', () =>
    expecting.every(({ stream }) => reachedEnd(stream) || stream.ending),
  ).catch(() => undefined)
  await wait(SETTLE_MS)
  for (const { stream, session } of streams) {
    if (stream.reachedEnd !== undefined) stream.reachedEnd = reachedEnd(stream)
    session.cut()
  }
  return { lane, start, streams: streams.map(({ stream }) => stream), firstLater }
}

function followAll(
  { servers, random, member, projectId }: Lane,
  start: string,
): { stream: Stream; session: Session }[] {
  return Object.entries(TRANSPORTS).flatMap(([name, transport]) =>
    [undefined, projectId].map((ofProject) => {
      const received: ReceivedEvent[] = []
      const where = ofProject === undefined ? '' : ' of the project'
      const stream: Stream = {
        name: `${name}${where}`,
        received,
        ending: undefined,
        reachedEnd: ofProject === undefined ? false : undefined,
      }
      const spec = {
        name,
        field: 'taskEvents',
        viewer: member,
        projectIds: undefined,
        projectId: ofProject,
        task: true,
      } as const
      const session = transport(random.pick(servers).url, spec, start, {
        event: (event) => void received.push(event),
        cursor: () => undefined,
      })
      void session.ended.then(({ code }) => (stream.ending = code))
      return { stream, session }
    }),
  )
}

// biome-ignore lint/suspicious/noExplicitAny: the answers of several operations
async function send({ owner }: World, url: string, method: string, path: string, body?: object): Promise<any> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${owner.token}` },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status} ${text}`)
  return text ? JSON.parse(text) : undefined
}

async function inTime(what: string, condition: () => unknown): Promise<void> {
  for (const deadline = performance.now() + TIMEOUT_MS; !condition(); await wait(2)) {
    if (performance.now() > deadline) throw new Error(`timed out waiting until ${what}`)
  }
}
