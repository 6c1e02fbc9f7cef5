import { onTestFinished } from 'vitest'
import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { testDatabase } from './database.ts'
import { type DatabaseProxy, startDatabaseProxy } from './database-proxy.ts'
import { keepingLog, QUICK_TO_STOP, type TestServer } from './server.ts'

export interface ProxiedServer extends TestServer {
  proxy: DatabaseProxy
  /** URL of the database past the proxy. */
  directUrl: string
}

/** Starts a server that reaches PostgreSQL through a proxy. Closed at the end of the test. */
export async function proxiedServerForTest(settings: Record<string, string> = {}): Promise<ProxiedServer> {
  const { options, drop } = await testDatabase()
  const directUrl = options.url ?? ''
  const proxy = await startDatabaseProxy(directUrl)
  const log = keepingLog()
  const config = readConfig({
    PORT: '0',
    DATABASE_URL: proxy.url,
    JWT_SECRET: 'a secret for tests that is long enough',
    ...settings,
  })
  const server = await startServer(config, log, undefined, QUICK_TO_STOP)
  onTestFinished(async () => {
    await server.close()
    await proxy.close()
    await drop()
  })
  return { ...server, log, config, proxy, directUrl }
}
