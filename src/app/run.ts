import { type Config, ConfigError, misspeltSettings, readConfig } from '../config.ts'
import { createLogs } from '../log.ts'
import { openConfiguredDatabase } from './open-database.ts'
import { isTaskwire, portProblem } from './port.ts'
import { logRequests } from './request-log.ts'

/** Lets the server start and answer first. */
const HOUSEKEEPING_DELAY_MS = 1_000

/** Maximum time a graceful stop may take before the process exits. */
const STOP_LIMIT_MS = 10_000

async function main(): Promise<void> {
  const config = readConfig()
  const { log, requests } = await createLogs(config.LOG_LEVEL)
  for (const warning of misspeltSettings()) log.warn({}, warning)
  await requirePort(config)
  const database = openConfiguredDatabase(config, log)
  // startServer awaits this promise and reports its failure. Until then, keep it from
  // counting as unhandled.
  database.catch(() => undefined)
  const { startServer } = await import('./server.ts')
  const server = await startServer(config, log, database, {
    housekeepingDelayMs: HOUSEKEEPING_DELAY_MS,
    observe: logRequests(requests),
  })
  log.info(
    { url: server.url, database: config.DATABASE_URL ? 'postgresql' : `embedded in ${config.DATA_DIR}` },
    'Taskwire is ready',
  )

  server.onFailure(() => process.exit(1))

  let stopping = false
  // npm forwards a terminal's SIGINT, which the server has already received. The second one must
  // not kill it.
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return
    stopping = true
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
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

/** Throws if the port is in use, before a database is created for nothing. */
async function requirePort(config: Config): Promise<void> {
  const code = await portProblem(config)
  if (code !== 'EADDRINUSE') return
  const user = (await isTaskwire(config)) ? 'another Taskwire' : 'another program'
  const message = `Port ${config.PORT} is in use by ${user}. Stop it, or set PORT to a free port.`
  throw Object.assign(new Error(message), { code })
}

main().catch((error: unknown) => {
  // Configuration and system errors (port in use, no permission) need no stack trace.
  // Anything else does.
  const plain = error instanceof ConfigError || (error as NodeJS.ErrnoException).code !== undefined
  console.error(plain ? (error as Error).message : error)
  process.exit(1)
})
