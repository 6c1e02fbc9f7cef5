import { readConfig } from '../config.ts'
import { createLogs } from '../log.ts'
import { openConfiguredDatabase } from './open-database.ts'

/** Applies pending migrations to the configured database. The server does the same when it starts. */
const config = readConfig()
const { log } = await createLogs(config.LOG_LEVEL)
const database = await openConfiguredDatabase(config, log)
await database.close()
console.log('The database is up to date.')
