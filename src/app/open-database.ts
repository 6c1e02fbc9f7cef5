import type { Config } from '../config.ts'
import type { DatabaseHandle } from '../database/client.ts'
import { startEmbedded } from '../database/embedded.ts'
import type { DatabaseLimits } from '../database/limits.ts'
import type { GatewayLog } from '../gateway/gateway-context.ts'
import { observed } from '../gateway/observation.ts'
import { traceStatement } from '../gateway/tracing.ts'

/**
 * Opens the configured database and applies migrations. Separate from the server, so that its
 * modules load meanwhile, as do those of the client while the embedded database starts.
 */
export async function openConfiguredDatabase(config: Config, log: GatewayLog): Promise<DatabaseHandle> {
  const { DATABASE_URL: url, DATABASE_DIRECT_URL: directUrl, DATA_DIR: dataDir, DATABASE_POOL_SIZE: poolSize } = config
  const embedded = url ? undefined : startEmbedded(dataDir, { log })
  embedded?.catch(() => undefined)
  const { openDatabase } = await import('../database/client.ts')
  try {
    const limits = limitsOf(config)
    const urls = { ...(url && { url }), ...(directUrl && { directUrl }) }
    return await openDatabase({ ...urls, dataDir, poolSize, limits, log, embedded, onStatement })
  } catch (error) {
    if (!url || !(error instanceof Error)) throw error
    const { code } = error as NodeJS.ErrnoException
    throw Object.assign(new Error(`DATABASE_URL: ${error.message || code}`, { cause: error }), { code })
  }
}

/** Counts a statement for the request that sends it, and traces it. */
export function onStatement(text: string): ReturnType<typeof traceStatement> {
  const observation = observed()
  if (observation) observation.statements++
  return traceStatement(text)
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
