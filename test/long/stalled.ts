// node test/long/stalled.ts [events] [healthy] [stalled]
// Checks that subscribers that stop reading neither slow down healthy ones nor grow the server's
// memory, and that they resume without losing an event. Uses PostgreSQL if TEST_DATABASE_URL is
// set, else the embedded database. Exit code 1 on failure.
import { setTimeout as wait } from 'node:timers/promises'
import { type Crowd, startCrowd, websocketUrl } from '../support/crowd.ts'
import { memoryOf } from '../support/process-usage.ts'
import { openWorld } from '../support/world.ts'

const EVENTS = Number(process.argv[2] ?? 20_000)
const HEALTHY = Number(process.argv[3] ?? 1_000)
const STALLED = Number(process.argv[4] ?? 200)
/** Number of tasks per bulk request. */
const BATCH = 500
/**
 * Long enough to fill the kernel's socket buffers of some megabytes, so that the rest queues in
 * the server.
 */
const DESCRIPTION = 'A description of some length here. '.repeat(40)
const MAX_GROWTH_MIB = 100
const MIN_THROUGHPUT = 0.8
const GIVE_UP_MS = 900_000
/** Seconds without a single event after which the resumed subscribers are given up. */
const PATIENCE = 30

const QUERY = `subscription ($projectId: ID!, $after: String) { taskEvents(projectId: $projectId, after: $after) {
  cursor type taskId version changes { field to } } }`

const world = await openWorld()
const { server, call, owner } = world
const pid = server.pid as number
const [first = '', second = ''] = await world.projects(2)
const failures: string[] = []

const following = (count: number, projectId: string, after?: string) => ({
  url: websocketUrl(server.url),
  operation: { query: QUERY, variables: { projectId, after } },
  token: owner.token,
  count,
})

async function write(projectId: string): Promise<void> {
  for (let made = 0; made < EVENTS; made += BATCH) {
    const items = Array.from({ length: Math.min(BATCH, EVENTS - made) }, (_, index) => ({
      title: `Task ${made + index}`,
      description: DESCRIPTION,
      projectId,
    }))
    await call('POST', '/tasks/bulk', { items })
  }
}

/**
 * Writes all events and waits until the crowd has them. Returns the time taken and the server's
 * peak memory in MiB.
 */
async function run(crowd: Crowd, projectId: string): Promise<{ seconds: number; peak: number }> {
  let peak = 0
  const watch = setInterval(() => (peak = Math.max(peak, memoryOf(pid))), 100)
  const started = performance.now()
  const writing = write(projectId)
  for (;;) {
    await wait(500)
    const { perSocket } = await crowd.report()
    if (perSocket.every((count) => count >= EVENTS)) break
    if (performance.now() - started > GIVE_UP_MS) {
      failures.push(
        `after ${GIVE_UP_MS / 1000} s a healthy subscriber has only ${Math.min(...perSocket)} of ${EVENTS} events`,
      )
      break
    }
  }
  const seconds = (performance.now() - started) / 1000
  await writing
  clearInterval(watch)
  const { endings } = await crowd.report()
  if (Object.keys(endings).length > 0)
    failures.push(`the server ended healthy subscriptions: ${JSON.stringify(endings)}`)
  return { seconds, peak }
}

const alone = startCrowd()
await alone.follow([following(HEALTHY, first)])
const without = await run(alone, first)
await alone.close()

const healthy = startCrowd()
await healthy.follow([following(HEALTHY, second)])
const hanging = startCrowd()
await hanging.follow([following(STALLED, second)])
await hanging.stall()
const beside = await run(healthy, second)

const growth = beside.peak - without.peak
const throughput = without.seconds / beside.seconds
console.log(
  `${EVENTS} events of at least ${DESCRIPTION.length} bytes to ${HEALTHY} subscribers: ${without.seconds.toFixed(1)} s alone, ${beside.seconds.toFixed(1)} s next to ${STALLED} stalled ones (${throughput.toFixed(2)} of the throughput)`,
)
console.log(
  `peak memory of the server ${without.peak.toFixed(0)} and ${beside.peak.toFixed(0)} MiB (${growth.toFixed(0)} more)`,
)
if (throughput < MIN_THROUGHPUT)
  failures.push(`throughput falls to ${throughput.toFixed(2)}; the minimum is ${MIN_THROUGHPUT}`)
if (growth > MAX_GROWTH_MIB) failures.push(`memory grows by ${growth.toFixed(0)} MiB; the limit is ${MAX_GROWTH_MIB}`)

// They now receive what was already sent, followed by the end of the subscription.
await hanging.resume()
await wait(5_000)
const { endings, cursors, perSocket } = await hanging.report()
console.log(`stalled subscriptions ended with ${JSON.stringify(endings)}`)
const slow = endings['UNAVAILABLE slow_reader'] ?? 0
if (slow !== STALLED) failures.push(`${slow} of ${STALLED} stalled subscriptions ended with slow_reader`)

const resumed = startCrowd()
const resumedAt = performance.now()
await resumed.follow(cursors.map((cursor) => following(1, second, cursor)))
let all: number[] = []
let seen = -1
// Waits as long as events arrive: catching up can mean gigabytes.
for (let idle = 0; idle < PATIENCE; idle++) {
  await wait(1_000)
  const rest = (await resumed.report()).perSocket
  all = perSocket.map((count, index) => count + (rest[index] ?? 0))
  if (all.every((count) => count === EVENTS)) break
  const now = all.reduce((sum, count) => sum + count, 0)
  if (now > seen) idle = 0
  seen = now
}
const caughtUp = (performance.now() - resumedAt) / 1000
const before = perSocket.reduce((sum, count) => sum + count, 0) / STALLED
console.log(`they had ${before.toFixed(0)} of ${EVENTS} events and caught up ${caughtUp.toFixed(1)} s after resuming`)
const incomplete = all.filter((count) => count !== EVENTS)
if (incomplete.length > 0) {
  const [least, most] = [Math.min(...incomplete), Math.max(...incomplete)]
  failures.push(`${incomplete.length} of ${STALLED} have ${least} to ${most} events after resuming`)
} else console.log('each has every event exactly once')

for (const crowd of [healthy, hanging, resumed]) await crowd.close()
await world.close()
for (const failure of failures) console.error(failure)
console.log(failures.length === 0 ? 'ok' : `${failures.length} failures`)
process.exit(failures.length === 0 ? 0 : 1)
