/**
 * node test/long/notifications.ts [kills] [seed]
 * Kills servers with SIGKILL while they make and send notifications. Each notification must be there
 * exactly once, and arrive by e-mail and push at least once, always with its own id. Uses PostgreSQL
 * with two servers if TEST_DATABASE_URL is set, else the embedded database. Exit code 1 on failure.
 */
import { randomInt } from 'node:crypto'
import { killDuringWork } from './notifications/run.ts'

const kills = Number(process.argv[2] ?? 20)
const seed = Number(process.argv[3] ?? randomInt(2 ** 31))
const embedded = process.env.TEST_DATABASE_URL === undefined

console.log(`seed ${seed}, ${embedded ? 'embedded' : 'postgres'} database`)
const { differences, summary } = await killDuringWork({ kills, seed, embedded, progress: console.log })
for (const difference of differences.slice(0, 50)) console.log(difference)
console.log(`${summary}\n${differences.length === 0 ? 'ok' : 'FAILED'}`)
process.exit(differences.length === 0 ? 0 : 1)
