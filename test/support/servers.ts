import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { onPostgres } from './database.ts'
import { keepingLog, type OwnServer, ownServer, QUICK_TO_STOP } from './server.ts'

/** Starts two servers on PostgreSQL or one on the embedded database, owned by the first. */
export async function ownServers(settings: Record<string, string> = {}): Promise<OwnServer[]> {
  const first = await ownServer(settings)
  if (!onPostgres) return [first]
  const { DATABASE_URL, DATA_DIR, JWT_SECRET } = first.config
  const log = keepingLog()
  const config = readConfig({ PORT: '0', DATABASE_URL, DATA_DIR, JWT_SECRET: JWT_SECRET?.join(), ...settings })
  const second = await startServer(config, log, undefined, QUICK_TO_STOP)
  return [first, { ...second, log, config }]
}

/** Closes the servers in reverse order, because the first drops the database. */
export async function closeServers(servers: readonly OwnServer[] | undefined): Promise<void> {
  for (const server of servers?.toReversed() ?? []) await server.close()
}
