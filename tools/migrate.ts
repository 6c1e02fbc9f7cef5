/**
 * Applies pending migrations to the configured database. The server does the same when it starts.
 */

import { openConfiguredDatabase } from '../src/app/open-database.ts'
import { readConfig } from '../src/config.ts'
import { createLog } from '../src/log.ts'

const config = readConfig()
const database = await openConfiguredDatabase(config, createLog(config.LOG_LEVEL))
await database.close()
console.log('The database is up to date.')
