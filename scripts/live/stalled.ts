// node scripts/live/stalled.ts [events] [healthy] [stalled]: what subscribers that read nothing do to those that read, and to the
// server's memory. On PostgreSQL where TEST_DATABASE_URL is set, else on the embedded database.
import { setTimeout as wait } from 'node:timers/promises'
import { type Crowd, memoryOf, startCrowd, websocketUrl } from './crowd.ts'
import { openWorld } from './world.ts'

const EVENTS = Number(process.argv[2] ?? 20_000)
const HEALTHY = Number(process.argv[3] ?? 1_000)
const STALLED = Number(process.argv[4] ?? 200)
/** Tasks made in one request: as many as a client may send at once. */
const BATCH = 500
/** The system takes some megabytes for each socket; beyond that, what is sent waits in the server. */
const DESCRIPTION = 'What is to be done, and why it is. '.repeat(40)
const MOST_GROWTH = 100
const LEAST_THROUGHPUT = 0.8
const GIVE_UP_MS = 900_000
/** Seconds without a single event, after which those that resumed will get no more. */
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

/** Writes, and answers how long it takes until the crowd has it all, and the most memory the server had meanwhile. */
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
        `after ${GIVE_UP_MS / 1000} s a healthy subscriber has ${Math.min(...perSocket)} of ${EVENTS} events`,
      )
      break
    }
  }
  const seconds = (performance.now() - started) / 1000
  await writing
  clearInterval(watch)
  const { endings } = await crowd.report()
  if (Object.keys(endings).length > 0) failures.push(`healthy subscribers were ended: ${JSON.stringify(endings)}`)
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
  `${EVENTS} events of ${DESCRIPTION.length} bytes and more to ${HEALTHY} subscribers: ${without.seconds.toFixed(1)} s alone, ${beside.seconds.toFixed(1)} s beside ${STALLED} that read nothing: ${throughput.toFixed(2)} of the throughput`,
)
console.log(
  `most memory of the server ${without.peak.toFixed(0)} and ${beside.peak.toFixed(0)} MiB: ${growth.toFixed(0)} more`,
)
if (throughput < LEAST_THROUGHPUT) failures.push(`the throughput falls to ${throughput.toFixed(2)}`)
if (growth > MOST_GROWTH) failures.push(`the memory grows by ${growth.toFixed(0)} MiB`)

// What was sent to them comes now, and behind it how they ended.
await hanging.resume()
await wait(5_000)
const { endings, cursors, perSocket } = await hanging.report()
console.log(`those that read nothing: ${JSON.stringify(endings)}`)
const slow = endings['UNAVAILABLE slow_reader'] ?? 0
if (slow !== STALLED) failures.push(`${slow} of ${STALLED} were ended with slow_reader`)

const resumed = startCrowd()
const resumedAt = performance.now()
await resumed.follow(cursors.map((cursor) => following(1, second, cursor)))
let all: number[] = []
let seen = -1
// As long as they get on: it is a log of gigabytes that they catch up with.
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
console.log(
  `they had ${before.toFixed(0)} of ${EVENTS} events, and the rest ${caughtUp.toFixed(1)} s after they resumed`,
)
const incomplete = all.filter((count) => count !== EVENTS)
if (incomplete.length > 0) {
  const [least, most] = [Math.min(...incomplete), Math.max(...incomplete)]
  failures.push(`${incomplete.length} of ${STALLED} have ${least} to ${most} events after they resumed`)
} else console.log('each has every event once')

for (const crowd of [healthy, hanging, resumed]) await crowd.close()
await world.close()
for (const failure of failures) console.error(failure)
console.log(failures.length === 0 ? 'ok' : `${failures.length} failures`)
process.exit(failures.length === 0 ? 0 : 1)
