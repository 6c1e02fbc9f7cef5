/** Brings the configured database up to date without serving it; the server does the same at its start. */
import { readConfig } from '../src/config.ts'
import { openDatabase } from '../src/database/client.ts'
import { createLog } from '../src/log.ts'

const { DATABASE_URL, DATA_DIR, LOG_LEVEL } = readConfig()
const database = await openDatabase({ url: DATABASE_URL, dataDir: DATA_DIR, log: createLog(LOG_LEVEL) })
await database.close()
console.log('The database is up to date.')
