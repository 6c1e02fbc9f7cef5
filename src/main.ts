import './compile-cache.ts'
import { ConfigError, readConfig } from './config.ts'
import { createLog } from './log.ts'
import { openConfiguredDatabase } from './open-database.ts'
import { whenOrphaned } from './orphaned.ts'

/** How long a stop may take before the process leaves anyway. */
const STOP_LIMIT_MS = 10_000

async function main(): Promise<void> {
  const config = readConfig()
  const log = createLog(config.LOG_LEVEL)
  const database = openConfiguredDatabase(config, log)
  // Whoever awaits it reports its failure; until then it is nobody's.
  database.catch(() => undefined)
  const { startServer } = await import('./server.ts')
  const server = await startServer(config, log, database)
  log.info(
    { url: server.url, database: config.DATABASE_URL ? 'postgresql' : `embedded in ${config.DATA_DIR}` },
    'taskwire is ready',
  )

  server.onFailure(() => process.exit(1))

  const stop = (signal: NodeJS.Signals | 'npm is gone') => {
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
  whenOrphaned(() => stop('npm is gone'))
}

main().catch((error: unknown) => {
  // What the person who starts it can mend is said in plain words; anything else needs its stack.
  const plain = error instanceof ConfigError || (error as NodeJS.ErrnoException).code !== undefined
  console.error(plain ? (error as Error).message : error)
  process.exit(1)
})
