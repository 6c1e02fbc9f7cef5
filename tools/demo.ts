/**
 * Serves sample data from an in-memory database and prints how to sign in and what to
 * try. Keeps nothing.
 */
import { DEMO_PASSWORD, PEOPLE, seed } from '../prisma/seed.ts'
import { isTaskwire, portProblem } from '../src/app/port.ts'
import { startServer } from '../src/app/server.ts'
import { type Config, ConfigError, readConfig } from '../src/config.ts'
import { createLogs } from '../src/log.ts'
import { demoScreen } from './demo-screen.ts'

const [ADA] = PEOPLE
const ONE_DAY_SECONDS = '86400'
const SCOPES = ['tasks:read', 'tasks:write', 'projects:read', 'projects:write', 'admin']

/** A problem that one line explains. */
class DemoError extends Error {}

async function demo(): Promise<void> {
  const { DATABASE_URL: _, ...environment } = process.env
  const config = readConfig({
    LOG_LEVEL: 'warn',
    ACCESS_TOKEN_TTL: ONE_DAY_SECONDS,
    ...environment,
    DATA_DIR: 'memory://',
  })
  await requireFreePort(config)
  process.stdout.write('Creating the sample data. This takes some seconds.\n')
  const accounts = PEOPLE.map(({ name, email }) => ({ name, email, password: DEMO_PASSWORD }))
  const { log } = await createLogs(config.LOG_LEVEL)
  const server = await startServer(config, log, undefined, { demo: accounts })
  let stopping = false
  // npm forwards the SIGINT of a terminal, so it can arrive twice.
  const stop = () => {
    if (stopping) return
    stopping = true
    void server.close().then(() => process.exit(0))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  await seed(server.db)
  process.stdout.write(demoScreen(server.url, await createKey(server.url)))
}

/** Throws a DemoError if another program has the port, before a database is started. */
async function requireFreePort(config: Config): Promise<void> {
  const { HOST, PORT } = config
  const code = await portProblem(config)
  if (code === undefined) return
  if (code !== 'EADDRINUSE') throw new DemoError(`The demo cannot listen on ${HOST}, port ${PORT}: ${code}.`)
  const other = `Or start one on another port: PORT=${PORT + 1} npm run demo`
  if (await isTaskwire(config))
    throw new DemoError(
      `Taskwire already runs at http://127.0.0.1:${PORT}. Open http://127.0.0.1:${PORT}/board#WEB. ${other}`,
    )
  throw new DemoError(`Port ${PORT} is used by another program. Stop it. ${other}`)
}

/** Creates an API key: unlike an access token it fits a line of a terminal. */
async function createKey(url: string): Promise<string> {
  const post = async (path: string, body: object, token?: string) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    })
    return response.json()
  }
  const { accessToken } = (await post('/auth/sign-in', { email: ADA.email, password: DEMO_PASSWORD })) as {
    accessToken: string
  }
  const { secret } = (await post('/api-keys', { name: 'Demo', scopes: SCOPES }, accessToken)) as { secret: string }
  return secret
}

demo().catch((error: unknown) => {
  const known = error instanceof ConfigError || error instanceof DemoError
  console.error(known ? error.message : error)
  process.exit(1)
})
