/**
 * node test/long/steady.ts [seconds] [requests a second] [seed]
 * Serves a mixed load at a steady rate, with subscribers, and watches the server: its memory must
 * not grow after a quarter of the time, and nothing may fail. Prints the memory, the delay of the
 * event loop and the CPU time per request, once a minute and in the end. Uses PostgreSQL if
 * TEST_DATABASE_URL is set, else the embedded database. Exit code 1 if something is wrong.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { memoryOf } from '../support/process-usage.ts'
import { createRandom } from '../support/random.ts'
import { openWorld } from '../support/world.ts'
import { follow } from './failover/follower.ts'
import { startLoad } from './steady/load.ts'

const SAMPLE_MS = 5_000
const SUBSCRIBERS = 20
/** Growth of the resident memory after the warm-up. */
const MAX_GROWTH = 1.1

const [seconds = 1_800, rate = 100, seed = 1] = process.argv.slice(2).map(Number)
const world = await openWorld()
const { server, owner } = world
const [projectId = ''] = await world.projects(1)
const followers = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => follow([server], owner.token)))
const load = await startLoad({ world, projectId, rate, random: createRandom(seed) })

const median = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0

/** MiB. */
const memory: number[] = []
const delays: number[] = []
let longest = 0
const cpuBefore = await server.cpu()
const samples = Math.ceil((seconds * 1_000) / SAMPLE_MS)
for (let sample = 1; sample <= samples; sample++) {
  await wait(SAMPLE_MS)
  const { delayMs, delayP99Ms } = await server.load()
  memory.push(memoryOf(server.pid))
  delays.push(delayP99Ms)
  longest = Math.max(longest, delayMs)
  if (sample % 12 !== 0) continue
  const recent = Math.round(median(memory.slice(-12)))
  console.log(
    `${(sample * SAMPLE_MS) / 60_000} min: ${load.requests} requests, ${recent} MB, delay p99 ${delayP99Ms.toFixed(1)} ms`,
  )
}
await load.stop()
const cpu = ((await server.cpu()) - cpuBefore) / load.requests
await Promise.all(followers.map((follower) => follower.stop()))

const quarter = memory.length >> 2
const [warm, late] = [median(memory.slice(quarter, 2 * quarter)), median(memory.slice(-quarter))]
const problems = [...load.problems, ...server.errors()]
if (late > warm * MAX_GROWTH) problems.push(`the memory grew from ${Math.round(warm)} to ${Math.round(late)} MB`)
for (const [index, { events, restarts }] of followers.entries())
  if (events.length === 0 || restarts > 0)
    problems.push(`subscriber ${index} has ${events.length} events and ${restarts} restarts`)
console.log(
  `${load.requests} requests in ${seconds} s, ${followers[0]?.events.length} events to each of ${SUBSCRIBERS} subscribers; ` +
    `${Math.round(warm)} MB after the warm-up, ${Math.round(late)} MB in the end; ` +
    `event loop: p99 ${median(delays).toFixed(1)} ms (median of ${samples} samples), longest ${longest.toFixed(0)} ms; ` +
    `${cpu.toFixed(2)} ms of CPU per request`,
)
for (const problem of problems.slice(0, 20)) console.log(problem)
console.log(problems.length === 0 ? 'ok' : 'FAILED')
await world.close()
process.exit(problems.length === 0 ? 0 : 1)
