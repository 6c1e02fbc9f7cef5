/**
 * node test/long/removals.ts [trials] [seed]
 * Removes members from a project while they follow it over every transport. Checks that they
 * receive nothing that was committed after the removal. Uses two servers on PostgreSQL if
 * TEST_DATABASE_URL is set, else one on the embedded database. Exit code 1 on any difference.
 */
import { randomInt } from 'node:crypto'
import { removals } from './removals/run.ts'

const MAX_PRINTED = 50

const [trials = 100, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number)
const embedded = process.env.TEST_DATABASE_URL === undefined
console.log(`removals: ${trials} trials, seed ${seed}`)

const { differences, summary } = await removals({ trials, seed, embedded, progress: console.error })
console.log(summary)
for (const difference of differences.slice(0, MAX_PRINTED)) console.error(difference)
console.log(
  differences.length === 0
    ? 'ok: nothing received after a removal'
    : `FAILED: ${differences.length} differences. To repeat it: node test/long/removals.ts ${trials} ${seed}`,
)
process.exit(differences.length === 0 ? 0 : 1)
