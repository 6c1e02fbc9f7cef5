import { ConfigError, readConfig } from './config.ts'
import { createLog } from './log.ts'
import { startServer } from './server.ts'

/** How long a stop may take before the process leaves anyway. */
const STOP_LIMIT_MS = 10_000

async function main(): Promise<void> {
  const config = readConfig()
  const log = createLog(config.LOG_LEVEL)
  const server = await startServer(config, log)
  log.info(
    { url: server.url, database: config.DATABASE_URL ? 'postgresql' : `embedded in ${config.DATA_DIR}` },
    'taskwire is ready',
  )

  const stop = (signal: NodeJS.Signals) => {
    log.info({ signal }, 'stopping')
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref()
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'could not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

main().catch((error: unknown) => {
  // A configuration or start-up problem is for a person to read; a stack trace would hide it.
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${message}\n`)
  if (!(error instanceof ConfigError) && process.env.LOG_LEVEL === 'debug') console.error(error)
  process.exit(1)
})
