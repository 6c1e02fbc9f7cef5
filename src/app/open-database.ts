import type { Config } from '../config.ts'
import { type DatabaseHandle, openDatabase } from '../database/client.ts'
import type { GatewayLog } from '../gateway/gateway-context.ts'

/**
 * Opens the configured database and applies migrations. Separate from the server, so that its
 * modules load meanwhile.
 */
export async function openConfiguredDatabase(config: Config, log: GatewayLog): Promise<DatabaseHandle> {
  const { DATABASE_URL: url, DATA_DIR: dataDir, DATABASE_POOL_SIZE: poolSize } = config
  try {
    return await openDatabase({ ...(url && { url }), dataDir, poolSize, log })
  } catch (error) {
    if (!url || !(error instanceof Error)) throw error
    const { code } = error as NodeJS.ErrnoException
    throw Object.assign(new Error(`DATABASE_URL: ${error.message || code}`, { cause: error }), { code })
  }
}
