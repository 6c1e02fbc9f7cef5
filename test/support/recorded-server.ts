import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import type { Database } from '../../src/database/client.ts'
import { rest } from './clients.ts'
import { testDatabase } from './database.ts'
import { keepingLog, QUICK_TO_STOP, signUp, type TestUser } from './server.ts'
import { recordStatements, type StatementRecorder } from './statements.ts'

export interface RecordedServer {
  url: string
  db: Database
  /** The first account, an ADMIN. */
  admin: TestUser
  /** Undefined on the embedded database, which does not use PostgreSQL's protocol over TCP. */
  recorder: StatementRecorder | undefined
  close(): Promise<void>
}

/** Starts a server whose statements can be recorded. */
export async function recordedServer(): Promise<RecordedServer> {
  const { options, drop } = await testDatabase()
  const recorder = options.url ? await recordStatements(options.url) : undefined
  const config = readConfig({
    PORT: '0',
    DATA_DIR: options.dataDir,
    JWT_SECRET: 'a secret for tests that is long enough',
    RATE_LIMIT: 'off',
    BACKGROUND_WORK: 'off',
    ...(recorder && { DATABASE_URL: recorder.url }),
  })
  const server = await startServer(config, keepingLog(), undefined, QUICK_TO_STOP)
  const admin = await signUp(server)
  // Makes the server read the log now, not in the middle of a request.
  await rest(server, 'GET /events/cursor', { token: admin.token })
  return {
    url: server.url,
    db: server.db,
    admin,
    recorder,
    async close() {
      await server.close()
      await recorder?.close()
      await drop()
    },
  }
}
