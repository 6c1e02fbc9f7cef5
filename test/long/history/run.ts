import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startDatabaseProxy } from '../../support/database-proxy.ts'
import { startMeasuredServer } from '../../support/measured-server.ts'
import { createRandom } from '../../support/random.ts'
import { until } from '../../support/wait.ts'
import type { Member } from '../../support/world.ts'
import { startCluster } from '../failover/cluster.ts'
import { differencesOf, type Follower, follow } from '../failover/follower.ts'
import { readWholeLog } from '../soak/log.ts'
import { restartable } from '../soak/servers.ts'
import { type Bug, plantInDatabase, throughBug } from './bugs.ts'
import { checkHistory } from './checks.ts'
import { send } from './client.ts'
import { runMember } from './members.ts'
import { ALL_FAULTS, type Fault, type Node, runNemesis } from './nemesis.ts'
import { type History, newHistory } from './record.ts'
import { openStage } from './stage.ts'
import { runWorker } from './workers.ts'

export interface HistoryOptions {
  /** Folder of PostgreSQL's programs. */
  binaries: string
  seconds: number
  seed: number
  bug?: Bug | undefined
  faults?: readonly Fault[]
  calmMs?: number
  progress?(line: string): void
}

export interface HistoryReport {
  /** What must not be, each as a sentence. */
  violations: string[]
  /** Number of calls by kind and outcome. */
  calls: Record<string, number>
  faults: Partial<Record<Fault, number>>
  events: number
}

const SERVERS = 3
const WORKERS = 6
const MEMBERS = 2
const PROGRESS_MS = 30_000

/** Records a history through several servers while a nemesis is at work, and checks it. */
export async function recordHistory(options: HistoryOptions): Promise<HistoryReport> {
  const { seconds, seed, bug, progress, faults = ALL_FAULTS, calmMs = 2_000 } = options
  const random = createRandom(seed)
  const cluster = await startCluster(options.binaries)
  const folder = await mkdtemp(join(tmpdir(), 'taskwire-history-'))
  const nodes: Node[] = []
  const common = {
    DATA_DIR: folder,
    JWT_SECRET: randomUUID() + randomUUID(),
    NODE_ENV: 'production',
    RATE_LIMIT: 'off',
    ACCESS_TOKEN_TTL: '86400',
    DATABASE_POOL_SIZE: '6',
    DATABASE_SILENCE_TIMEOUT: '1000',
  }
  try {
    while (nodes.length < SERVERS) {
      const proxy = await startDatabaseProxy(cluster.url)
      const settings = { ...common, DATABASE_URL: proxy.url }
      nodes.push({ proxy, server: restartable(await startMeasuredServer(settings), settings) })
    }
    await cluster.setSynchronous(true)
    return await record()
  } finally {
    for (const { server, proxy } of nodes) {
      await server.stop('SIGKILL')
      await proxy.close()
    }
    await cluster.close()
    await rm(folder, { recursive: true, force: true })
  }

  async function record(): Promise<HistoryReport> {
    const servers = nodes.map(({ server }) => server)
    const [first] = servers
    if (!first) throw new Error('there is no server')
    const history = newHistory()
    const owner = await register(first)
    const members: Member[] = []
    while (members.length < MEMBERS) members.push(await register(first))
    const stage = await openStage(() => makeProject(servers, owner.token))
    const through = throughBug(bug, owner.token)
    let over = false
    const stopped = () => over
    const worker = { servers, send: through, owner: owner.token, stage, history, stopped }

    const followers = await Promise.all([
      follow(servers, owner.token, { drops: bug?.dropsEvents === true }),
      follow(servers.toReversed(), owner.token),
    ])
    const watching = await Promise.all(members.map((member) => watch(servers, member, history)))
    const stopBug = bug && plantInDatabase(bug, cluster.url)
    const happened: Partial<Record<Fault, number>> = {}
    const working = [
      ...Array.from({ length: WORKERS }, (_, index) =>
        runWorker({ ...worker, random: createRandom(seed + index + 1) }),
      ),
      ...members.map((member, index) => runMember(member, { ...worker, random: createRandom(seed + 100 + index) })),
    ]
    let nemesisOver = false
    const nemesis = runNemesis({
      nodes,
      cluster,
      random,
      faults,
      calmMs,
      stopped: () => nemesisOver,
      happened: (fault) => (happened[fault] = (happened[fault] ?? 0) + 1),
    })
    const told = setInterval(
      () => progress?.(`${history.tasks.length} calls, ${JSON.stringify(happened)}`),
      PROGRESS_MS,
    )
    await wait(seconds * 1_000)
    nemesisOver = true
    await nemesis
    // Some calls after the last fault, so that they meet what it left.
    await wait(1_000)
    over = true
    await Promise.all(working)
    clearInterval(told)
    await stopBug?.()

    const log = await readWholeLog({ settings: { ...common, DATABASE_URL: cluster.url } })
    const visible = log.filter(({ projectId }) => projectId !== null)
    const isComplete = ({ events }: Follower) => events.at(-1)?.subjectId === visible.at(-1)?.subjectId
    await until('every follower has the last event', () => followers.every(isComplete), 30_000).catch(() => undefined)
    for (const follower of [...followers, ...watching]) await follower.stop()
    const violations = [
      ...checkHistory(history, log),
      ...followers.flatMap((follower, index) =>
        differencesOf(follower, visible).map((text) => `follower ${index} ${text}`),
      ),
      ...followers.flatMap(({ restarts }, index) =>
        restarts > 0 ? [`follower ${index} had to start again ${restarts} times, though nothing was lost`] : [],
      ),
    ]
    return { violations, calls: countsOf(history), faults: happened, events: log.length }
  }
}

async function register(server: { url: string }): Promise<Member> {
  const account = { email: `${randomUUID()}@example.org`, password: randomUUID(), name: 'Somebody' }
  const { body } = await send(server, { method: 'POST', path: '/auth/register', token: '', body: account })
  return { id: body.user.id, email: account.email, token: body.accessToken }
}

/** Makes a project on whichever server can. */
async function makeProject(servers: readonly { url: string }[], token: string): Promise<string> {
  for (let turn = 0; ; turn++) {
    const key = `P${randomUUID().replaceAll('-', '').slice(0, 8).toUpperCase()}`
    const server = servers[turn % servers.length] as { url: string }
    const made = await send(server, { method: 'POST', path: '/projects', token, body: { key, name: key } })
    if (made.status === 201) return made.body.id
    if (made.status >= 400 && made.status < 500) throw new Error(`cannot make a project: ${JSON.stringify(made.body)}`)
    await wait(100)
  }
}

/** Records the events that reach a member. */
function watch(servers: readonly { url: string }[], { id, token }: Member, history: History): Promise<Follower> {
  return follow(servers, token, {
    onEvent({ type, projectId, subjectId, version }) {
      if (!type.startsWith('task.') || !projectId) return
      history.seen.push({ memberId: id, projectId, taskId: subjectId, version, at: performance.now() })
    },
  })
}

function countsOf({ tasks, lists, accesses, memberships, seen }: History): Record<string, number> {
  const counts: Record<string, number> = {
    list: lists.length,
    membership: memberships.length,
    access: accesses.length,
    'event of a member': seen.length,
  }
  for (const { kind, outcome } of tasks) counts[`${kind} ${outcome}`] = (counts[`${kind} ${outcome}`] ?? 0) + 1
  return counts
}
