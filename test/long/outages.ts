/**
 * node test/long/outages.ts [scenario …]
 * Measures how the server behaves while PostgreSQL is silent, locked or slow, and how fast it
 * recovers. Needs TEST_DATABASE_URL. Exit code 1 if a figure misses its goal.
 */
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { emptyPostgres } from '../support/database.ts'
import { startDatabaseProxy } from '../support/database-proxy.ts'
import { startMeasuredServer } from '../support/measured-server.ts'
import { delayed } from './outages/delayed.ts'
import { locked } from './outages/locked.ts'
import type { Outage } from './outages/outage.ts'
import { silent } from './outages/silent.ts'

const SCENARIOS = { silent, locked, delayed } satisfies Record<string, (outage: Outage) => Promise<string[]>>

const names = process.argv.slice(2)
for (const [name, run] of Object.entries(SCENARIOS)) {
  if (names.length > 0 && !names.includes(name)) continue
  console.log(`\n${name}`)
  const database = await emptyPostgres()
  const proxy = await startDatabaseProxy(database.url)
  const server = await startMeasuredServer({
    DATABASE_URL: proxy.url,
    DATA_DIR: tmpdir(),
    JWT_SECRET: randomUUID() + randomUUID(),
    NODE_ENV: 'production',
    LOG_LEVEL: 'info',
  })
  const failures = await run({ url: server.url, directUrl: database.url, proxy })
  for (const failure of failures) console.error(`FAILED: ${failure}`)
  if (failures.length > 0) process.exitCode = 1
  await server.stop('SIGKILL')
  await proxy.close()
  await database.drop()
}
process.exit()
