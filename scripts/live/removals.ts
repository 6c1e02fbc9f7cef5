/**
 * node scripts/live/removals.ts [trials] [seed]: a member who is removed while they follow, over every transport, is told nothing that was committed after
 * the removal. On PostgreSQL, through two servers, where TEST_DATABASE_URL is set, else on the embedded database. Exits with 1 on any difference.
 */
import { removals } from './removals/run.ts'

const [trials = 100, seed = 1] = process.argv.slice(2).map(Number)
const embedded = process.env.TEST_DATABASE_URL === undefined

const { differences, summary } = await removals({ trials, seed, embedded, progress: console.error })
console.log(summary)
for (const difference of differences.slice(0, 50)) console.error(difference)
console.log(`${differences.length === 0 ? 'ok' : `${differences.length} differences`} (${trials} ${seed})`)
process.exit(differences.length === 0 ? 0 : 1)
