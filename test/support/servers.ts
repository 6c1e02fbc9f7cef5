import { readConfig } from '../../src/config.ts'
import { startServer } from '../../src/server.ts'
import { onPostgres } from './database.ts'
import { keepingLog, type TestServer, testServer } from './server.ts'

/** Two servers on one PostgreSQL; on the embedded database, which only one may open, one. The first owns the database. */
export async function testServers(settings: Record<string, string> = {}): Promise<TestServer[]> {
  const first = await testServer(settings)
  if (!onPostgres) return [first]
  const { DATABASE_URL, DATA_DIR, JWT_SECRET } = first.config
  const log = keepingLog()
  const config = readConfig({ PORT: '0', DATABASE_URL, DATA_DIR, JWT_SECRET, ...settings })
  const second = await startServer(config, log)
  return [first, { ...second, log, config }]
}

/** Closes them in the reverse order: the first drops the database. */
export async function closeServers(servers: readonly TestServer[] | undefined): Promise<void> {
  for (const server of servers?.toReversed() ?? []) await server.close()
}
