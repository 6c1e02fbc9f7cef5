import type { Config } from './config.ts'
import { type DatabaseHandle, openDatabase } from './database/client.ts'
import type { GatewayLog } from './gateway/context.ts'

/** Opens the configured database and brings it up to date. Apart from the server, which takes as long to load as this takes to open. */
export function openConfiguredDatabase(config: Config, log: GatewayLog): Promise<DatabaseHandle> {
  return openDatabase({
    ...(config.DATABASE_URL && { url: config.DATABASE_URL }),
    dataDir: config.DATA_DIR,
    poolSize: config.DATABASE_POOL_SIZE,
    log,
  })
}
