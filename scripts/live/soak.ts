/**
 * node scripts/live/soak.ts [events] [kills of each server] [seed]: nothing is lost, repeated or out of order while eight writers go through two
 * servers that are killed in turn and subscribers over every transport are cut and resume. On PostgreSQL where TEST_DATABASE_URL is set, else on the
 * embedded database, with one server. Exits with 1 on any difference.
 */
import { soak } from './soak/run.ts'

const [events = 10_000, kills = 5, seed = 1] = process.argv.slice(2).map(Number)
const embedded = process.env.TEST_DATABASE_URL === undefined

const { differences, summary } = await soak({ events, kills, seed, embedded, progress: console.error })
console.log(summary)
for (const difference of differences) console.error(difference)
const arguments_ = `${events} ${kills} ${seed}`
console.log(
  differences.length === 0
    ? `ok: 0 lost, 0 repeated, 0 out of order (${arguments_})`
    : `${differences.length} differences (${arguments_})`,
)
process.exit(differences.length === 0 ? 0 : 1)
