// node bench/fan-out/fan-out.ts [subscribers] [events]
// Measures the delay from the commit of an event to its arrival at the last of many subscribers of
// one project, next to a bare websocket server that sends the same bytes to as many sockets. Then
// measures the CPU time per event with subscribers on 1 project and on 100. Uses PostgreSQL if
// TEST_DATABASE_URL is set, else the embedded database. Exit code 1 if a limit is exceeded.
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Crowd, percentile, request, startCrowd, websocketUrl } from '../../test/support/crowd.ts'
import { cpuTimeOf } from '../../test/support/process-usage.ts'
import { openWorld } from '../../test/support/world.ts'

const SUBSCRIBERS = Number(process.argv[2] ?? 5_000)
const EVENTS = Number(process.argv[3] ?? 100)
const MEMBERS = 20
const PROJECTS = 100
/** Pause between events, so that each is measured alone. */
const PAUSE_MS = Math.max(50, SUBSCRIBERS / 20)
const MAX_RATIO = 2

const QUERY = `subscription ($projectId: ID!) { taskEvents(projectId: $projectId) {
  cursor type taskId version at changes { field to } actor { name } task { id key title status priority version updatedAt } } }`

const world = await openWorld()
const { server, call } = world
const pid = server.pid as number
const [project = '', ...others] = await world.projects(PROJECTS)
const members = await world.members(MEMBERS, [project])
const failures: string[] = []

const following = (count: number, projectId: string, token: string) => ({
  url: websocketUrl(server.url),
  operation: { query: QUERY, variables: { projectId } },
  token,
  count,
})

/**
 * Returns, for each event, the milliseconds from its commit until the last subscriber received it.
 */
async function delays(
  crowd: Crowd,
  send: (number: number) => Promise<[taskId: string, at: number]>,
): Promise<number[]> {
  const sent: [string, number][] = []
  for (let number = 0; number < EVENTS; number++) {
    sent.push(await send(number))
    await wait(PAUSE_MS)
  }
  await wait(2_000)
  const { seen } = await crowd.report()
  const byTask = new Map(seen.map(([taskId, count, last]) => [taskId, { count, last }]))
  return sent.map(([taskId, at]) => {
    const { count = 0, last = Number.NaN } = byTask.get(taskId) ?? {}
    if (count !== SUBSCRIBERS)
      failures.push(`${count} of ${SUBSCRIBERS} subscribers received the event of task ${taskId}`)
    return last - at
  })
}

const crowd = startCrowd()
await crowd.follow(members.map(({ token }) => following(Math.ceil(SUBSCRIBERS / MEMBERS), project, token)))

const bareServer = fork(fileURLToPath(new URL('bare-server.ts', import.meta.url)))
const [{ url }] = await once(bareServer, 'message')
const bareCrowd = startCrowd()
await bareCrowd.follow([{ url, count: SUBSCRIBERS }])

const create = async (number: number): Promise<[string, number]> => {
  const { id } = await call('POST', '/tasks', { title: `Task ${number}`, projectId: project })
  // The event's timestamp is taken in its transaction, at most a millisecond before the commit.
  const { nodes } = await call('GET', `/events?types=task.created&projectId=${project}&limit=100&after=${cursor}`)
  cursor = nodes.at(-1).cursor
  return [id, Date.parse(nodes.at(-1).at)]
}
let { cursor } = await call('GET', '/events/cursor')
await create(-1)
await wait(1_000)
const { sample } = await crowd.report()
const broadcast = async (): Promise<[string, number]> => {
  const taskId = randomUUID()
  const text = sample.replace(/"taskId":"[^"]+"/, `"taskId":"${taskId}"`)
  return [taskId, ((await request(bareServer, { text })) as { at: number }).at]
}

/**
 * Returns the 99th percentile of the delays and the server's CPU time per event, in milliseconds.
 */
async function measure(crowd: Crowd, serverPid: number, send: Parameters<typeof delays>[1]) {
  const before = cpuTimeOf(serverPid)
  const p99 = percentile(await delays(crowd, send), 0.99)
  return { p99, work: (cpuTimeOf(serverPid) - before) / EVENTS }
}

const rounds: { ours: number; bare: number }[] = []
for (let round = 1; round <= 3; round++) {
  const bare = await measure(bareCrowd, bareServer.pid as number, broadcast)
  const ours = await measure(crowd, pid, create)
  rounds.push({ ours: ours.p99, bare: bare.p99 })
  console.log(
    `round ${round}: ${SUBSCRIBERS} subscribers, ${EVENTS} events of ${sample.length} bytes: p99 from the commit to the last subscriber ${ours.p99.toFixed(1)} ms (CPU ${ours.work.toFixed(1)} ms); bare websockets ${bare.p99.toFixed(1)} ms (${bare.work.toFixed(1)} ms); x ${(ours.p99 / bare.p99).toFixed(2)}`,
  )
}
const ratio = percentile(
  rounds.map(({ ours, bare }) => ours / bare),
  0.5,
)
if (ratio > MAX_RATIO)
  failures.push(`p99 is ${ratio.toFixed(2)} times that of bare websockets; the limit is ${MAX_RATIO}`)
await bareCrowd.close()
bareServer.kill()
await crowd.close()

/** Returns the server's CPU time per event of one project, in milliseconds. */
async function cost(projectId: string): Promise<number> {
  const count = 1_000
  const before = cpuTimeOf(pid)
  for (let sent = 0; sent < count; sent += 20) {
    await Promise.all(Array.from({ length: 20 }, () => call('POST', '/tasks', { title: 'A task', projectId })))
  }
  await wait(2_000)
  return (cpuTimeOf(pid) - before) / count
}

const each = Math.round(SUBSCRIBERS / PROJECTS)
const few = startCrowd()
await few.follow([following(each, project, world.owner.token)])
await cost(project)
const alone = await cost(project)
const many = startCrowd()
await many.follow(others.map((projectId) => following(each, projectId, world.owner.token)))
const amongMany = await cost(project)
console.log(
  `CPU time per event for ${each} subscribers: ${alone.toFixed(2)} ms; with ${each * others.length} more on ${others.length} other projects: ${amongMany.toFixed(2)} ms; x ${(amongMany / alone).toFixed(2)}`,
)
if (amongMany > alone * 1.3) failures.push('subscribers of other projects make an event more expensive')
await few.close()
await many.close()
await world.close()

for (const failure of failures) console.error(failure)
console.log(failures.length === 0 ? 'ok' : `${failures.length} failures`)
process.exit(failures.length === 0 ? 0 : 1)
