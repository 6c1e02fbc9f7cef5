/**
 * node test/long/soak.ts [events] [kills of each server] [seed]
 * Eight writers write through two servers that are killed in turn, while subscribers on every
 * transport lose their connections and resume. Checks that no event is lost, repeated or out of
 * order. Uses PostgreSQL if TEST_DATABASE_URL is set, else one server on the embedded database.
 * Exit code 1 on any difference.
 */
import { randomInt } from 'node:crypto'
import { soak } from './soak/run.ts'

const [events = 10_000, kills = 5, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number)
const embedded = process.env.TEST_DATABASE_URL === undefined
console.log(`soak: ${events} events, ${kills} kills of each server, seed ${seed}`)

const { differences, summary } = await soak({ events, kills, seed, embedded, progress: console.error })
console.log(summary)
for (const difference of differences) console.error(difference)
console.log(
  differences.length === 0
    ? 'ok: 0 lost, 0 repeated, 0 out of order'
    : `FAILED: ${differences.length} differences. To repeat it: node test/long/soak.ts ${events} ${kills} ${seed}`,
)
process.exit(differences.length === 0 ? 0 : 1)
