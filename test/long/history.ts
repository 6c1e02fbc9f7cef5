/**
 * node test/long/history.ts [seconds] [--seed N] [--bug NAME]
 * Records what clients do and are told through three servers on a cluster of PostgreSQL, while
 * servers die, connections are cut or slow, the database fails over and clocks are wrong. Then checks
 * that the history is one that a single correct server could have (see history/checks.ts). With
 * --bug, a bug of history/bugs.ts is planted, which must be found. Needs Debian's PostgreSQL. The
 * same seed makes the same plan. Exit code 1 if something is wrong, or the bug is not found.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { findBinaries } from './failover/cluster.ts'
import { BUGS } from './history/bugs.ts'
import { recordHistory } from './history/run.ts'

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string', default: String(randomInt(2 ** 31)) }, bug: { type: 'string' } },
  allowPositionals: true,
})
const seconds = Number(positionals[0] ?? 1_800)
const bug = values.bug === undefined ? undefined : BUGS[values.bug]
if (values.bug !== undefined && !bug) throw new Error(`there is no bug ${values.bug}: ${Object.keys(BUGS).join(', ')}`)
const binaries = await findBinaries()
if (!binaries) throw new Error('There is no PostgreSQL under /usr/lib/postgresql.')

console.log(`history: ${seconds} s, seed ${values.seed}${bug ? `, with the bug ${values.bug}` : ''}`)
const report = await recordHistory({ binaries, seconds, seed: Number(values.seed), bug, progress: console.log })
console.log(JSON.stringify({ calls: report.calls, faults: report.faults, events: report.events }))
for (const violation of report.violations.slice(0, 20)) console.log(violation)
if (bug) {
  const found = report.violations.some((violation) => bug.finding.test(violation))
  console.log(found ? 'ok: the bug is found' : 'FAILED: the bug is not found')
  process.exitCode = found ? 0 : 1
} else {
  const { length } = report.violations
  console.log(length === 0 ? 'ok: no violation' : `FAILED: ${length} violations`)
  process.exitCode = length === 0 ? 0 : 1
}
