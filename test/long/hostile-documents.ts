/**
 * node test/long/hostile-documents.ts [documents] [seed]
 * Sends random documents that are meant to keep the server busy through every door, one at a time.
 * Prints the CPU time of the server's main thread and the delay of its event loop for each kind.
 * Uses PostgreSQL if TEST_DATABASE_URL is set, else the embedded database. Exit code 1 if a document
 * takes 50 ms or more, fails unexpectedly, or leaves memory behind.
 */
import { randomInt } from 'node:crypto'
import { openWorld } from '../support/world.ts'
import { fillWorld, sendHostile } from './hostile-documents/run.ts'

/** Documents that warm up the server before anything is judged. */
const WARM_UP = 100
/** Allowed growth of memory: caches of documents and plans are bounded, but not empty. */
const MAX_GROWTH_MB = 100

const [documents = 500, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number)
console.log(`hostile documents: ${documents}, seed ${seed}`)
const world = await openWorld()
await fillWorld(world, 60)
const megabytes = async () => {
  const { heapUsed, external } = await world.server.memory()
  return Math.round((heapUsed + external) / 2 ** 20)
}
await sendHostile(world, { documents: WARM_UP, seed: seed + 1 })
const before = await megabytes()
const { problems, summary } = await sendHostile(world, { documents, seed })
const after = await megabytes()
console.log(summary.join('\n'))
console.log(`memory: ${before} MB before, ${after} MB after`)
if (after - before > MAX_GROWTH_MB) problems.push(`memory grew by ${after - before} MB`)
if ((await fetch(`${world.server.url}/readyz`)).status !== 200) problems.push('the server is no longer ready')
for (const problem of problems) console.error(`FAILED: ${problem}`)
await world.close()
console.log(problems.length === 0 ? 'ok' : `To repeat it: node test/long/hostile-documents.ts ${documents} ${seed}`)
process.exit(problems.length === 0 ? 0 : 1)
