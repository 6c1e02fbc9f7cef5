import { expect, test } from 'vitest'
import { findBinaries } from '../long/failover/cluster.ts'
import { runFailovers } from '../long/failover/run.ts'
import { onPostgres } from '../support/database.ts'

/** Short runs of test/long/failover.ts, on clusters of their own. */

const binaries = onPostgres ? await findBinaries() : undefined
if (onPostgres && !binaries) console.warn('## NO PROGRAMS OF POSTGRESQL: skipping the failover tests. ##')

const once = { rounds: 1, writers: 2, roundMs: 200 }

test.runIf(binaries)('a failover to a synchronous replica loses no acknowledged write and no event', async () => {
  const report = await runFailovers({ binaries: binaries ?? '', synchronous: true, ...once })
  expect(report.problems).toEqual([])
  expect(report).toMatchObject({ lost: 0, restarts: 0 })
  expect(report.acknowledged).toBeGreaterThan(2)
})

test.runIf(binaries)('after a failover that loses writes, followers are told, and have no gap', async () => {
  const report = await runFailovers({ binaries: binaries ?? '', synchronous: false, ...once })
  expect(report.problems).toEqual([])
  expect(report.lost).toBeGreaterThan(0)
  expect(report.restarts).toBeGreaterThan(0)
})
