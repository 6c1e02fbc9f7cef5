/**
 * node test/long/hostile-connections.ts [scenario …]
 * Measures what connections that are slow, silent or greedy do to others. Uses PostgreSQL if
 * TEST_DATABASE_URL is set, else the embedded database. Exit code 1 if a figure misses its goal.
 */
import { openWorld } from '../support/world.ts'
import { pipelined, unread } from './hostile-connections/pipelined.ts'
import { slow } from './hostile-connections/slow.ts'

const SCENARIOS = { slow, pipelined, unread }

const names = process.argv.slice(2)
for (const [name, run] of Object.entries(SCENARIOS)) {
  if (names.length > 0 && !names.includes(name)) continue
  console.log(`\n${name}`)
  const world = await openWorld()
  const failures = await run(world)
  for (const failure of failures) console.error(`FAILED: ${failure}`)
  if (failures.length > 0) process.exitCode = 1
  await world.close()
}
process.exit()
