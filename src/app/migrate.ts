import { readConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { openConfiguredDatabase } from './open-database.ts'

/** Applies pending migrations to the configured database. The server does the same when it starts. */
const config = readConfig()
const database = await openConfiguredDatabase(config, createLog(config.LOG_LEVEL))
await database.close()
console.log('The database is up to date.')
