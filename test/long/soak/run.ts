import { setTimeout as wait } from 'node:timers/promises'
import { decodeCursor } from '../../../src/events/log.ts'
import { createRandom, type Random } from '../../support/random.ts'
import { type Member, openWorld, type World } from '../../support/world.ts'
import { readWholeLog } from './log.ts'
import { type RestartableServer, startServers } from './servers.ts'
import type { Spec } from './specs.ts'
import { type Subscriber, startSubscriber } from './subscribers.ts'
import { TRANSPORTS } from './transports.ts'
import { checkLedger, checkLog, checkSubscriber } from './verdict.ts'
import { startWriters } from './writers.ts'

export interface SoakOptions {
  /** Minimum number of events to write. */
  events: number
  /** Kills per server. */
  kills: number
  seed: number
  embedded: boolean
  /** Called with the progress. */
  progress?(line: string): void
}

export interface SoakReport {
  /** Every difference as a sentence. */
  differences: string[]
  /** What happened, in numbers. */
  summary: string
}

const WRITERS = 8
/** Several projects: writes to one project wait for each other to number its tasks. */
const PROJECTS = 6
const SEEN_FROM = 4
/** Gives up when no subscriber has received an event for this long. */
const IDLE_LIMIT_MS = 60_000
/** A short queue, so that slow consumers are dropped and resume from the log. */
const QUEUE_SIZE = '300'
const MAX_DOWN_MS = 300

/**
 * Writes through all servers while connections drop and resume and the servers are killed in turn.
 * Then compares what each subscriber received, and what each writer was acknowledged, with the log
 * in the database.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const random = createRandom(options.seed)
  const world = await openWorld({ EVENT_QUEUE_SIZE: QUEUE_SIZE, LOG_LEVEL: 'info' }, options.embedded)
  let servers: RestartableServer[] = []
  try {
    servers = await startServers(world, options.embedded ? 1 : 2)
    return await run(options, { world, servers, random })
  } finally {
    for (const server of servers.toReversed()) await server.stop()
    await world.close()
  }
}

interface Scene {
  world: World
  servers: readonly RestartableServer[]
  random: Random
}

async function run(options: SoakOptions, { world, servers, random }: Scene): Promise<SoakReport> {
  const projectIds = await world.projects(PROJECTS)
  const [member] = await world.members(1, projectIds.slice(SEEN_FROM))
  if (!member) throw new Error('no member was created')
  const { cursor: start } = await world.call('GET', '/events/cursor')
  const started = performance.now()
  const subscribers = specsOf(world.owner, member, projectIds).flatMap((spec) =>
    Object.entries(TRANSPORTS).flatMap(([name, transport]) =>
      (spec.name === 'visible' ? [false, true] : [false]).map((slow) =>
        startSubscriber({
          name: `${spec.name} over ${name}${slow ? ', slow' : ''}`,
          ...{ spec, transport, servers, start, random, slow },
        }),
      ),
    ),
  )
  const writers = startWriters({ servers, token: world.owner.token, count: WRITERS, projectIds, random })
  const { ledger } = writers

  const total = options.kills * servers.length
  for (let kill = 1; kill <= total; kill++) {
    const server = servers[kill % servers.length] as RestartableServer
    const goal = (options.events * kill) / (total + 1)
    while (ledger.events < goal || server.writing === 0) await wait(5)
    await server.kill(random.below(MAX_DOWN_MS))
    options.progress?.(`${ledger.events} events, ${kill} kills, ${seconds(started)} s`)
  }
  while (ledger.events < options.events) await wait(5)
  await writers.stop()
  const written = seconds(started)

  const { cursor: end } = await world.call('GET', '/events/cursor')
  const late = await finish(world, subscribers, projectIds)
  for (const server of servers.toReversed()) await server.stop()
  const log = await readWholeLog(world)
  const first = decodeCursor(start).position
  const endings = Map.groupBy(
    subscribers.flatMap(({ endings }) => [...endings]),
    ([code]) => code,
  )
  const counted = [...endings].map(([code, all]): [string, number] => [
    code,
    all.reduce((sum, [, count]) => sum + count, 0),
  ])
  const differences = [
    ...checkLog(log),
    ...checkLedger(ledger, log.slice(Number(first), Number(decodeCursor(end).position))),
    ...subscribers.flatMap((one) => checkSubscriber(one, log, first)),
    ...late.map((name) => `${name} did not receive the last event`),
    ...counted
      .filter(([code]) => !EXPECTED_ENDINGS.has(code))
      .map(([code, count]) => `${count} streams ended with ${code}`),
    ...[...ledger.answers]
      .filter(([answer]) => UNEXPECTED_ANSWERS.test(answer))
      .map(([answer, count]) => `${count} writes got the answer ${answer}`),
  ]
  const sum = (of: (one: Subscriber) => number) => subscribers.reduce((total, one) => total + of(one), 0)
  const summary = [
    `${log.length - Number(first)} events by ${WRITERS} writers through ${servers.length} servers in ${written} s, all delivered after ${seconds(started)} s`,
    `${options.kills} kills of each server; ${ledger.unknown.length} writes without an answer`,
    `${subscribers.length} subscribers received ${receivedBy(subscribers)} events; ${sum(({ cuts }) => cuts)} connections dropped, ${sum(({ cutEarly }) => cutEarly)} of them before an event`,
    `streams ended by servers: ${JSON.stringify(Object.fromEntries(counted))}; answers to writes: ${JSON.stringify(Object.fromEntries(ledger.answers))}`,
  ].join('\n')
  return { differences, summary }
}

/** Codes that a stream may end with while servers restart and readers are slow. */
const EXPECTED_ENDINGS = new Set(['UNAVAILABLE slow_reader', 'UNAVAILABLE server_stopping'])
const UNEXPECTED_ANSWERS = /^5|INTERNAL|UNAUTHENTICATED|VALIDATION|FORBIDDEN/

const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1)

function specsOf(owner: Member, member: Member, projectIds: readonly string[]): Spec[] {
  const seen = projectIds.slice(SEEN_FROM)
  const [projectId = ''] = seen
  return [
    { name: 'everything', field: 'events', viewer: owner, projectIds: undefined },
    { name: 'visible', field: 'events', viewer: member, projectIds: seen },
    { name: 'one project', field: 'taskEvents', viewer: member, projectIds: [projectId], projectId },
    { name: 'one status', field: 'taskEvents', viewer: member, projectIds: seen, status: 'IN_PROGRESS' },
  ]
}

/**
 * Writes a last event for every subscriber and waits for it. Returns the names of those that did
 * not receive it.
 */
async function finish(
  world: World,
  subscribers: readonly Subscriber[],
  projectIds: readonly string[],
): Promise<string[]> {
  const last = new Map<string, string>()
  for (const projectId of projectIds) {
    const body = { title: 'Last task', projectId, status: 'IN_PROGRESS' }
    last.set(projectId, (await world.call('POST', '/tasks', body)).id)
  }
  for (const subscriber of subscribers) subscriber.calm()
  const waiting = new Set(subscribers)
  for (const one of subscribers) {
    const projectId = (one.spec.projectIds ?? projectIds).at(-1) ?? ''
    void one.until(last.get(projectId) ?? '').then(() => waiting.delete(one))
  }
  for (let received = -1, since = performance.now(); waiting.size > 0 && performance.now() - since < IDLE_LIMIT_MS; ) {
    const now = receivedBy(subscribers)
    if (now !== received) since = performance.now()
    received = now
    await wait(50)
  }
  const late = [...waiting].map(({ name }) => name)
  await Promise.all(subscribers.map((one) => one.stop()))
  return late
}

const receivedBy = (subscribers: readonly Subscriber[]) =>
  subscribers.reduce((sum, { received }) => sum + received.length, 0)
