import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { type RunningServer, type ServerOptions, startServer } from '../../src/app/server.ts'
import { hashPassword } from '../../src/auth/passwords.ts'
import { createAccessTokens, newRefreshToken } from '../../src/auth/tokens.ts'
import { type Config, readConfig } from '../../src/config.ts'
import type { Database } from '../../src/database/client.ts'
import type { DatabaseLimits } from '../../src/database/limits.ts'
import type { GatewayLog } from '../../src/gateway/gateway-context.ts'
import { addUser } from '../../src/modules/users/account-service.ts'
import { rest } from './clients.ts'
import { type OpenTestDatabase, openTestDatabase, urlSettings } from './database.ts'

interface LogLine {
  level: string
  details: object
  message: string
}

/** Creates a log that keeps its lines for assertions. */
export function keepingLog(): GatewayLog & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: string) => (details: object, message: string) => void lines.push({ level, details, message })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export interface TestServer extends Omit<RunningServer, 'close'> {
  log: ReturnType<typeof keepingLog>
  config: Config
}

export interface OwnServer extends TestServer {
  /** Stops the server and drops its database. */
  close(): Promise<void>
}

let shared: Promise<OwnServer> | undefined
let sharedDatabase: Promise<OpenTestDatabase> | undefined

/**
 * Returns the server that all test files of this worker share, with its log emptied. It has no
 * rate limits and already has an ADMIN. New users are MEMBERs and see only what their test made.
 * The server ends with the worker, and the global teardown removes its database.
 */
export async function sharedServer(): Promise<TestServer> {
  sharedDatabase ??= openTestDatabase({ poolSize: 10 })
  shared ??= sharedDatabase
    .then((database) => startOn(database, { RATE_LIMIT: 'off' }))
    .then(async (server) => {
      await signUp(server, 'First')
      return server
    })
  const server = await shared
  server.log.lines.length = 0
  return server
}

/** Starts a server on a fresh database, for tests of the server itself. The caller closes it. */
export async function ownServer(settings: Record<string, string> = {}, options?: ServerOptions): Promise<OwnServer> {
  return startOn(await openTestDatabase({ poolSize: 10, limits: limitsOf(settings) }), settings, options)
}

const LIMITS = {
  DATABASE_LOCK_TIMEOUT: 'lockMs',
  DATABASE_QUEUE_TIMEOUT: 'queueMs',
  DATABASE_STATEMENT_TIMEOUT: 'statementMs',
} as const

function limitsOf(settings: Record<string, string>): Partial<DatabaseLimits> {
  const given = Object.entries(LIMITS).filter(([name]) => settings[name] !== undefined)
  return Object.fromEntries(given.map(([name, limit]) => [limit, Number(settings[name])]))
}

/** Clients of tests have nothing on the way when they stop a server. */
export const QUICK_TO_STOP = { idleMs: 0 }

async function startOn(
  database: OpenTestDatabase,
  settings: Record<string, string>,
  serverOptions: ServerOptions = {},
): Promise<OwnServer> {
  const log = keepingLog()
  const { options } = database
  const config = readConfig({
    PORT: '0',
    DATA_DIR: options.dataDir,
    JWT_SECRET: 'a secret for tests that is long enough',
    ...urlSettings(options),
    ...settings,
  })
  const running = await startServer(config, log, Promise.resolve(database.handle), {
    ...QUICK_TO_STOP,
    ...serverOptions,
  })
  const server: OwnServer = {
    ...running,
    log,
    config,
    async close() {
      servers.delete(running.url)
      await running.close()
      await database.close()
    },
  }
  servers.set(server.url, server)
  return server
}

/** Running test servers of this process by URL. */
const servers = new Map<string, TestServer>()

/** Like `ownServer`, but closed at the end of the test. */
export async function ownServerForTest(settings?: Record<string, string>): Promise<OwnServer> {
  const server = await ownServer(settings)
  onTestFinished(() => server.close())
  return server
}

/**
 * Starts a further server on the database of the shared one, closed at the end of the test. For
 * tests of what a server keeps in memory, such as rate limits.
 */
export async function freshServerForTest(settings: Record<string, string> = {}): Promise<OwnServer> {
  await sharedServer()
  const { handle, options } = (await sharedDatabase)!
  const ending = { handle: { ...handle, close: async () => {} }, options, close: async () => {} }
  const server = await startOn(ending, settings)
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

/** One password and its hash for all accounts: hashing a new one takes 30 ms of CPU. */
const PASSWORD = `password ${randomUUID()}`
let passwordHash: Promise<string> | undefined

/**
 * Creates a user with a session. The first user of a server is its ADMIN. Writes the rows directly
 * if the server runs in this process; test/modules/auth.test.ts covers the registration.
 */
export async function signUp({ url }: { url: string }, name = 'Test Person'): Promise<TestUser> {
  const account = { email: `${randomUUID()}@example.org`, password: PASSWORD }
  const server = servers.get(url)
  if (server) return insertUser(server, account, name)
  const { status, body } = await rest({ url }, 'POST /auth/register', { body: { ...account, name } })
  if (status !== 201) throw new Error(`could not register: ${status} ${JSON.stringify(body)}`)
  return { ...account, id: body.user.id, token: body.accessToken, refreshToken: body.refreshToken }
}

async function insertUser(
  { db, config }: TestServer,
  { email, password }: { email: string; password: string },
  name: string,
): Promise<TestUser> {
  passwordHash ??= hashPassword(PASSWORD)
  const hash = await passwordHash
  const refreshToken = newRefreshToken()
  const { id, sessionId } = await db.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('first test account'))`
    const role = (await tx.user.findFirst({ select: { id: true } })) ? 'MEMBER' : 'ADMIN'
    const inboxKey = `T${randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}`
    const { id } = await addUser(tx, { email, name, passwordHash: hash, role }, inboxKey)
    const expiresAt = new Date(Date.now() + config.REFRESH_TOKEN_TTL * 1000)
    const refreshTokens = { create: { hash: refreshToken.hash } }
    const session = await tx.session.create({ data: { userId: id, expiresAt, refreshTokens } })
    return { id, sessionId: session.id }
  })
  const tokens = createAccessTokens({ secrets: config.JWT_SECRET ?? [], lifetime: config.ACCESS_TOKEN_TTL })
  return { id, email, password, token: tokens.sign({ userId: id, sessionId }), refreshToken: refreshToken.token }
}

/** Registers an ADMIN, on a fresh server or on the shared one. */
export async function signUpAdmin(server: { url: string; db: Database }, name = 'Administrator'): Promise<TestUser> {
  const user = await signUp(server, name)
  await server.db.user.update({ where: { id: user.id }, data: { role: 'ADMIN' } })
  return user
}

/**
 * Makes a server notice at once what a test has written to its database directly, by a mutation of
 * this user. Otherwise it notices within a second.
 */
export async function noticeWrites(server: { url: string }, { token }: { token: string }): Promise<void> {
  await rest(server, 'POST /auth/stream-ticket', { token })
}
