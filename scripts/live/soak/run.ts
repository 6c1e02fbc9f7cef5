import { setTimeout as wait } from 'node:timers/promises'
import { decodeCursor } from '../../../src/events/log.ts'
import { createRandom, type Random } from '../../fuzz/random.ts'
import { type Member, openWorld, type World } from '../world.ts'
import { readWholeLog } from './log.ts'
import { type MortalServer, startServers } from './servers.ts'
import type { Spec } from './specs.ts'
import { type Subscriber, startSubscriber } from './subscribers.ts'
import { TRANSPORTS } from './transports.ts'
import { checkLedger, checkLog, checkSubscriber } from './verdict.ts'
import { startWriters } from './writers.ts'

export interface SoakOptions {
  /** At least so many are written. */
  events: number
  /** Of each server. */
  kills: number
  seed: number
  embedded: boolean
  /** Told how far it is. */
  progress?(line: string): void
}

export interface SoakReport {
  /** What is wrong, in sentences. */
  differences: string[]
  /** What happened, in numbers. */
  summary: string
}

const WRITERS = 8
/** Tasks of one project get their numbers one after the other. */
const PROJECTS = 6
const SEEN_FROM = 4
/** So long nobody is told anything until it is given up. */
const PATIENCE_MS = 60_000
/** Short, so that slow readers are ended and go back to the log. */
const QUEUE = '300'
const MOST_DOWN_MS = 300

/**
 * Writes through all servers while subscribers are cut and resume and the servers are killed in turn; then holds what each subscriber was told, and
 * what the writers were, against the log in the database.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const random = createRandom(options.seed)
  const world = await openWorld({ EVENT_QUEUE_SIZE: QUEUE, LOG_LEVEL: 'info' }, options.embedded)
  let servers: MortalServer[] = []
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
  servers: readonly MortalServer[]
  random: Random
}

async function run(options: SoakOptions, { world, servers, random }: Scene): Promise<SoakReport> {
  const projectIds = await world.projects(PROJECTS)
  const [member] = await world.members(1, projectIds.slice(SEEN_FROM))
  if (!member) throw new Error('there is no member')
  const { cursor: start } = await world.call('GET', '/events/cursor')
  const started = performance.now()
  const subscribers = specsOf(world.owner, member, projectIds).flatMap((spec) =>
    Object.entries(TRANSPORTS).flatMap(([name, transport]) =>
      (spec.name === 'visible' ? [false, true] : [false]).map((slow) =>
        startSubscriber({
          name: `${spec.name} over ${name}${slow ? ', slowly' : ''}`,
          ...{ spec, transport, servers, start, random, slow },
        }),
      ),
    ),
  )
  const writers = startWriters({ servers, token: world.owner.token, count: WRITERS, projectIds, random })
  const { ledger } = writers

  const total = options.kills * servers.length
  for (let kill = 1; kill <= total; kill++) {
    const server = servers[kill % servers.length] as MortalServer
    const goal = (options.events * kill) / (total + 1)
    while (ledger.events < goal || server.writing === 0) await wait(5)
    await server.kill(random.below(MOST_DOWN_MS))
    options.progress?.(`${ledger.events} events, ${kill} kills, ${seconds(started)} s`)
  }
  while (ledger.events < options.events) await wait(5)
  await writers.stop()
  const written = seconds(started)

  const { cursor: end } = await world.call('GET', '/events/cursor')
  const late = await finish(world, subscribers, projectIds)
  for (const server of servers.toReversed()) await server.stop()
  const log = await readWholeLog(world)
  const first = decodeCursor(start)
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
    ...checkLedger(ledger, log.slice(Number(first), Number(decodeCursor(end)))),
    ...subscribers.flatMap((one) => checkSubscriber(one, log, first)),
    ...late.map((name) => `${name} did not come to the end`),
    ...counted
      .filter(([code]) => !EXPECTED_ENDINGS.has(code))
      .map(([code, count]) => `${count} streams were ended with ${code}`),
    ...[...ledger.answers]
      .filter(([answer]) => UNEXPECTED_ANSWERS.test(answer))
      .map(([answer, count]) => `${count} writes were answered ${answer}`),
  ]
  const sum = (of: (one: Subscriber) => number) => subscribers.reduce((total, one) => total + of(one), 0)
  const summary = [
    `${log.length - Number(first)} events by ${WRITERS} writers through ${servers.length} servers in ${written} s, all told after ${seconds(started)} s`,
    `${options.kills} kills of each server; ${ledger.unknown.length} writes without an answer`,
    `${subscribers.length} subscribers told ${toldIn(subscribers)} times, cut ${sum(({ cuts }) => cuts)} times, ${sum(({ cutEarly }) => cutEarly)} of them before an event`,
    `streams ended by servers: ${JSON.stringify(Object.fromEntries(counted))}; answers to writes: ${JSON.stringify(Object.fromEntries(ledger.answers))}`,
  ].join('\n')
  return { differences, summary }
}

/** What a server may end a stream with that is killed and started while its reader is slow. */
const EXPECTED_ENDINGS = new Set(['UNAVAILABLE slow_reader', 'UNAVAILABLE server_stopping'])
const UNEXPECTED_ANSWERS = /^5|INTERNAL|UNAUTHENTICATED|VALIDATION|FORBIDDEN/

const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1)

function specsOf(owner: Member, member: Member, projectIds: readonly string[]): Spec[] {
  const seen = projectIds.slice(SEEN_FROM)
  const [projectId = ''] = seen
  return [
    { name: 'everything', field: 'events', viewer: owner, projectIds: undefined },
    { name: 'visible', field: 'events', viewer: member, projectIds: seen },
    { name: 'of a project', field: 'taskEvents', viewer: member, projectIds: [projectId], projectId },
    { name: 'of a status', field: 'taskEvents', viewer: member, projectIds: seen, status: 'IN_PROGRESS' },
  ]
}

/** Writes one more event for everybody and waits until all have it. Answers who has not. */
async function finish(
  world: World,
  subscribers: readonly Subscriber[],
  projectIds: readonly string[],
): Promise<string[]> {
  const last = new Map<string, string>()
  for (const projectId of projectIds) {
    const body = { title: 'The last', projectId, status: 'IN_PROGRESS' }
    last.set(projectId, (await world.call('POST', '/tasks', body)).id)
  }
  for (const subscriber of subscribers) subscriber.calm()
  const waiting = new Set(subscribers)
  for (const one of subscribers) {
    const projectId = (one.spec.projectIds ?? projectIds).at(-1) ?? ''
    void one.until(last.get(projectId) ?? '').then(() => waiting.delete(one))
  }
  for (let told = -1, since = performance.now(); waiting.size > 0 && performance.now() - since < PATIENCE_MS; ) {
    const now = toldIn(subscribers)
    if (now !== told) since = performance.now()
    told = now
    await wait(50)
  }
  const late = [...waiting].map(({ name }) => name)
  await Promise.all(subscribers.map((one) => one.stop()))
  return late
}

const toldIn = (subscribers: readonly Subscriber[]) => subscribers.reduce((sum, { told }) => sum + told.length, 0)
