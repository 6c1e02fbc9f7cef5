/**
 * node test/long/shutdown.ts [rounds]
 * Stops a server under load again and again, while websockets ignore its close. Counts connections
 * that were reset and answers without `Connection: close` after the signal. Uses PostgreSQL if
 * TEST_DATABASE_URL is set, else the embedded database. Exit code 1 on failure.
 */
import { openWorld } from '../support/world.ts'
import { stopUnderLoad } from './shutdown/round.ts'

const MAX_MS = 10_000

const rounds = Number(process.argv[2] ?? 100)
const world = await openWorld({ LOG_LEVEL: 'info' })
await world.server.stop()
const totals = { requests: 0, after: 0, resets: 0, unmarked: 0, slowest: 0, failedExits: 0 }
for (let round = 1; round <= rounds; round++) {
  const { served, ...found } = await stopUnderLoad(world.settings, world.owner.token)
  totals.requests += served
  totals.after += found.after
  totals.resets += found.resets
  totals.unmarked += found.unmarked
  totals.slowest = Math.max(totals.slowest, found.ms)
  if (found.code !== 0) totals.failedExits++
  if (found.resets + found.unmarked > 0 || found.code !== 0) console.log(`round ${round}: ${JSON.stringify(found)}`)
}
console.log(`${rounds} rounds: ${JSON.stringify(totals)}`)
const { resets, unmarked, failedExits, slowest } = totals
const isFine = resets === 0 && unmarked === 0 && failedExits === 0 && slowest < MAX_MS
console.log(isFine ? 'ok' : 'FAILED')
process.exit(isFine ? 0 : 1)
