import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningServer, startServer } from '../../../src/app/server.ts'
import { readConfig } from '../../../src/config.ts'
import { rest } from '../../support/clients.ts'
import { keepingLog } from '../../support/server.ts'
import { until } from '../../support/wait.ts'
import { readWholeLog } from '../soak/log.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { differencesOf, type Follower, follow } from './follower.ts'

export interface FailoverOptions {
  binaries: string
  rounds: number
  /** Commits wait for the replica, and nothing may be lost. Otherwise some commits of each round are. */
  synchronous: boolean
  writers?: number
  /** Time between two failovers, in milliseconds. */
  roundMs?: number
}

export interface FailoverReport {
  acknowledged: number
  /** Acknowledged tasks that are gone. */
  lost: number
  events: number
  /** How often followers were told CURSOR_EXPIRED. */
  restarts: number
  /** Milliseconds from the kill to the next acknowledged write, per round. */
  recoveries: number[]
  /** What must not happen. */
  problems: string[]
}

/**
 * Fails a cluster over again and again, with writers and followers on two servers. In the end every
 * follower must have exactly the events of the log since it last started.
 */
export async function runFailovers(options: FailoverOptions): Promise<FailoverReport> {
  const { rounds, synchronous, writers = 4, roundMs = 1_500 } = options
  const cluster = await startCluster(options.binaries)
  const dataDir = await mkdtemp(join(tmpdir(), 'taskwire-failover-'))
  const settings = {
    PORT: '0',
    DATA_DIR: dataDir,
    DATABASE_URL: cluster.url,
    JWT_SECRET: randomUUID() + randomUUID(),
    RATE_LIMIT: 'off',
    DATABASE_SILENCE_TIMEOUT: '1000',
  }
  const servers: RunningServer[] = []
  for (let index = 0; index < 2; index++) servers.push(await startServer(readConfig(settings), keepingLog()))
  const [server] = servers
  if (!server) throw new Error('there is no server')
  const account = { email: 'ada@example.org', password: 'correct horse battery', name: 'Ada' }
  const { accessToken: token } = (await rest(server, 'POST /auth/register', { body: account })).body
  await cluster.setSynchronous(synchronous)

  /** Ids of acknowledged tasks, and when each was acknowledged. */
  const acknowledged = new Map<string, number>()
  let writing = true
  let turn = 0
  const write = async () => {
    while (writing) {
      const target = servers[turn++ % servers.length] ?? server
      const answer = await rest(target, 'POST /tasks', { token, body: { title: `Task ${turn}` } }).catch(
        () => undefined,
      )
      if (answer?.status === 201) acknowledged.set(answer.body.id, performance.now())
      else await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const writes = Array.from({ length: writers }, write)
  const followers = await Promise.all([follow(servers, token), follow(servers.toReversed(), token)])
  const recoveries: number[] = []
  const problems: string[] = []
  const noteProblem = (error: Error) => void problems.push(error.message)
  try {
    for (let round = 0; round < rounds; round++) recoveries.push(await failOverOnce(cluster))
    await untilAcknowledgedAfter(performance.now())
    writing = false
    await Promise.all(writes)
    // Internal events have no project, and nobody sees them.
    const log = (await readWholeLog({ settings })).filter(({ projectId }) => projectId !== null)
    const isComplete = ({ events }: Follower) => events.at(-1)?.subjectId === log.at(-1)?.subjectId
    await until('every follower has the last event', () => followers.every(isComplete)).catch(noteProblem)
    await Promise.all(followers.map((follower) => follower.stop()))
    for (const [index, follower] of followers.entries())
      problems.push(...differencesOf(follower, log).map((text) => `follower ${index} ${text}`))
    const ids = await server.db.task.findMany({ select: { id: true } })
    const present = new Set(ids.map(({ id }) => id))
    const lost = [...acknowledged.keys()].filter((id) => !present.has(id)).length
    if (synchronous && lost > 0) problems.push(`${lost} acknowledged tasks are gone`)
    const restarts = followers.reduce((sum, follower) => sum + follower.restarts, 0)
    return { acknowledged: acknowledged.size, lost, events: log.length, restarts, recoveries, problems }
  } finally {
    writing = false
    await Promise.all(writes)
    await Promise.all(followers.map((follower) => follower.stop()))
    await Promise.all(servers.map((one) => one.close()))
    await cluster.close()
    await rm(dataDir, { recursive: true, force: true })
  }

  async function failOverOnce(target: Cluster): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, roundMs))
    if (!synchronous) {
      await target.cutReplication()
      const before = acknowledged.size
      await until('writes are acknowledged that will be lost', () => acknowledged.size > before + writers * 3, 60_000)
    }
    const killed = performance.now()
    await target.failOver()
    return (await untilAcknowledgedAfter(killed)) - killed
  }

  /** Returns when the first write after this time was acknowledged by the new primary. */
  async function untilAcknowledgedAfter(time: number): Promise<number> {
    const size = acknowledged.size
    await until('a write is acknowledged', () => acknowledged.size > size, 120_000)
    return [...acknowledged.values()].find((at) => at > time) ?? time
  }
}
