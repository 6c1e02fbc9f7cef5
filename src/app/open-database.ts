import type { Config } from '../config.ts'
import { type DatabaseHandle, openDatabase } from '../database/client.ts'
import type { DatabaseLimits } from '../database/limits.ts'
import type { GatewayLog } from '../gateway/gateway-context.ts'

/**
 * Opens the configured database and applies migrations. Separate from the server, so that its
 * modules load meanwhile.
 */
export async function openConfiguredDatabase(config: Config, log: GatewayLog): Promise<DatabaseHandle> {
  const { DATABASE_URL: url, DATA_DIR: dataDir, DATABASE_POOL_SIZE: poolSize } = config
  try {
    return await openDatabase({ ...(url && { url }), dataDir, poolSize, limits: limitsOf(config), log })
  } catch (error) {
    if (!url || !(error instanceof Error)) throw error
    const { code } = error as NodeJS.ErrnoException
    throw Object.assign(new Error(`DATABASE_URL: ${error.message || code}`, { cause: error }), { code })
  }
}

function limitsOf(config: Config): DatabaseLimits {
  return {
    lockMs: config.DATABASE_LOCK_TIMEOUT,
    statementMs: config.DATABASE_STATEMENT_TIMEOUT,
    queueMs: config.DATABASE_QUEUE_TIMEOUT,
    queueLength: config.DATABASE_QUEUE_LENGTH,
    silenceMs: config.DATABASE_SILENCE_TIMEOUT,
  }
}
