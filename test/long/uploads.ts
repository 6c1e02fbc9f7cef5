/**
 * node test/long/uploads.ts [megabytes] [cuts] [names] [seed]
 * Sends a large file and fetches it, whole and resumed, while it watches the memory of the server;
 * cuts uploads off at random places; and sends files with hostile names. Uses PostgreSQL if
 * TEST_DATABASE_URL is set, else the embedded database. Exit code 1 if a figure misses its goal.
 */
import { randomInt } from 'node:crypto'
import { openWorld } from '../support/world.ts'
import { cutUploads } from './uploads/cuts.ts'
import { largeFile } from './uploads/large.ts'
import { hostileNames } from './uploads/names.ts'

const [megabytes = 1_024, cuts = 100, names = 10_000, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number)
console.log(`uploads: ${megabytes} MB, ${cuts} cuts, ${names} names, seed ${seed}`)
const bytes = megabytes * 1_048_576
const world = await openWorld({ RATE_LIMIT: 'off', UPLOAD_LIMIT: String(Math.max(bytes, 1_048_576)) })
const problems = [
  ...(await largeFile(world, bytes)),
  ...(await cutUploads(world, cuts, seed)),
  ...(await hostileNames(world, names, seed)),
  ...world.server.errors(),
]
for (const problem of problems) console.error(`FAILED: ${problem}`)
console.log(
  problems.length === 0 ? 'ok' : `To repeat it: node test/long/uploads.ts ${megabytes} ${cuts} ${names} ${seed}`,
)
await world.close()
process.exit(problems.length === 0 ? 0 : 1)
