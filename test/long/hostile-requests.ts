/**
 * node test/long/hostile-requests.ts [requests] [seed]
 * Sends random hostile requests and websocket sessions (see hostile-requests/run.ts), one at a
 * time, and checks that none is expensive, logged as an error, or leaves memory behind. The server
 * runs in its own process, on PostgreSQL if TEST_DATABASE_URL is set, else on the embedded
 * database. Exit code 1 on failure.
 */
import { randomInt } from 'node:crypto'
import { hostileTrial } from './hostile-requests/trial.ts'

const [requests = 5_000, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number)
console.log(`hostile requests: ${requests}, seed ${seed}`)
const { problems, ...figures } = await hostileTrial({ requests, seed })
console.log(JSON.stringify(figures))
for (const problem of problems) console.error(problem)
console.log(
  problems.length === 0
    ? 'ok: no crash, no server error, nothing expensive, memory back to normal'
    : `FAILED: ${problems.length} problems. To repeat it: node test/long/hostile-requests.ts ${requests} ${seed}`,
)
process.exitCode = problems.length === 0 ? 0 : 1
