import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { type Config, readConfig } from '../../src/config.ts'
import type { GatewayLog } from '../../src/gateway/context.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { rest } from './clients.ts'
import { testDatabase } from './database.ts'

interface LogLine {
  level: string
  details: object
  message: string
}

/** A log that keeps what it was told, for tests of what is (and is not) written to it. */
export function keepingLog(): GatewayLog & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: string) => (details: object, message: string) => void lines.push({ level, details, message })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export interface TestServer extends RunningServer {
  log: ReturnType<typeof keepingLog>
  config: Config
}

/** A real server on a real, fresh database; `close` drops both. */
export async function testServer(settings: Record<string, string> = {}): Promise<TestServer> {
  const { options, drop } = await testDatabase()
  const log = keepingLog()
  const config = readConfig({
    PORT: '0',
    DATA_DIR: options.dataDir,
    JWT_SECRET: 'a secret for tests that is long enough',
    ...(options.url && { DATABASE_URL: options.url }),
    ...settings,
  })
  const server = await startServer(config, log)
  return {
    url: server.url,
    db: server.db,
    held: server.held,
    onFailure: server.onFailure,
    log,
    config,
    async close() {
      await server.close()
      await drop()
    },
  }
}

/** The same, closed at the end of the test that asked for it. */
export async function serverForTest(settings?: Record<string, string>): Promise<TestServer> {
  const server = await testServer(settings)
  onTestFinished(() => server.close())
  return server
}

export interface TestUser {
  id: string
  email: string
  password: string
  token: string
  refreshToken: string
}

/** A new user with a token of their own. The first of a server is its ADMIN. */
export async function signUp(server: { url: string }, name = 'Test Person'): Promise<TestUser> {
  const account = { email: `${randomUUID()}@example.org`, password: `password ${randomUUID()}` }
  const { status, body } = await rest(server, 'POST /auth/register', { body: { ...account, name } })
  if (status !== 201) throw new Error(`could not register: ${status} ${JSON.stringify(body)}`)
  return { ...account, id: body.user.id, token: body.accessToken, refreshToken: body.refreshToken }
}
