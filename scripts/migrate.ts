/** Brings the configured database up to date without serving it; the server does the same at its start. */
import { readConfig } from '../src/config.ts'
import { createLog } from '../src/log.ts'
import { openConfiguredDatabase } from '../src/open-database.ts'

const config = readConfig()
const database = await openConfiguredDatabase(config, createLog(config.LOG_LEVEL))
await database.close()
console.log('The database is up to date.')
