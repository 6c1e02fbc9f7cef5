import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from '../../fuzz/random.ts'
import type { MortalServer } from '../soak/servers.ts'
import type { Told } from '../soak/specs.ts'
import { type Session, TRANSPORTS } from '../soak/transports.ts'
import type { Member, World } from '../world.ts'

/** Where one trial comes after the other: a project to be removed from, and one to stay in. */
export interface Lane {
  world: World
  servers: readonly MortalServer[]
  random: Random
  member: Member
  projectId: string
  commonsId: string
  taskId: string
}

/** What one stream was told before the end of the trial. */
export interface Stream {
  name: string
  told: Told[]
  /** A code, where the server ended it. */
  ending: string | undefined
  /** Whether the last event came, which is of the project to stay in; undefined where it was not asked for. */
  atEnd: boolean | undefined
}

export interface Trial {
  lane: Lane
  /** Where the streams began. */
  start: string
  streams: Stream[]
  /** The lowest version of the task that was asked for after the removal had been answered. */
  firstLater: number
}

const WRITERS = 2
const WRITES_AFTER = 3
const MOST_BEFORE_MS = 60
const LONG_MS = 20_000
/** For what would be on its way to a stream that nothing else comes on. */
const SETTLE_MS = 30

/** Adds the member, lets them follow on every transport while the owner writes, and removes them. */
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
    await inTime('every stream has an event', () => streams.every(({ stream }) => stream.told.length > 0))
    await wait(random.below(MOST_BEFORE_MS))
    await send(world, anywhere(), 'DELETE', `/projects/${projectId}/members/${member.id}`)
    removed = true
    await Promise.all(writers)
  } finally {
    stopped = true
  }
  const last = await send(world, anywhere(), 'POST', '/tasks', { title: 'The last', projectId: commonsId })
  const atEnd = (stream: Stream) => stream.told.some((event) => event.taskId === last.id)
  const expecting = streams.filter(({ stream }) => stream.atEnd !== undefined)
  await inTime('every stream is at the end', () =>
    expecting.every(({ stream }) => atEnd(stream) || stream.ending),
  ).catch(() => undefined)
  await wait(SETTLE_MS)
  for (const { stream, session } of streams) {
    if (stream.atEnd !== undefined) stream.atEnd = atEnd(stream)
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
      const told: Told[] = []
      const where = ofProject === undefined ? '' : ' of the project'
      const stream: Stream = {
        name: `${name}${where}`,
        told,
        ending: undefined,
        atEnd: ofProject === undefined ? false : undefined,
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
        event: (event) => void told.push(event),
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
  for (const deadline = performance.now() + LONG_MS; !condition(); await wait(2)) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
  }
}
