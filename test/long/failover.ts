/**
 * node test/long/failover.ts [rounds] [--async]
 * Fails a cluster of PostgreSQL over again and again (see failover/run.ts): kills the primary and
 * promotes its replica, with two servers, writers and followers. Commits wait for the replica; with
 * --async they do not, and some of each round are lost. Needs Debian's PostgreSQL, of which it starts
 * a cluster of its own. Exit code 1 if an acknowledged write is lost although commits waited, or a
 * follower has a gap.
 */
import { parseArgs } from 'node:util'
import { findBinaries } from './failover/cluster.ts'
import { runFailovers } from './failover/run.ts'

const { values, positionals } = parseArgs({ options: { async: { type: 'boolean' } }, allowPositionals: true })
const rounds = Number(positionals[0] ?? 20)
const synchronous = !values.async
const binaries = await findBinaries()
if (!binaries) throw new Error('There is no PostgreSQL under /usr/lib/postgresql.')
console.log(`failover: ${rounds} rounds, ${synchronous ? 'synchronous' : 'asynchronous'}`)
const { problems, recoveries, ...report } = await runFailovers({ binaries, rounds, synchronous })
const sorted = recoveries.map(Math.round).sort((a, b) => a - b)
console.log(JSON.stringify({ ...report, recoveryMs: { median: sorted[sorted.length >> 1], longest: sorted.at(-1) } }))
for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? 'ok: no gap' : 'FAILED')
process.exitCode = problems.length === 0 ? 0 : 1
