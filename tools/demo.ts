/**
 * Serves sample data from an in-memory database and prints how to sign in and what to
 * try. Keeps nothing.
 */
import { DEMO_PASSWORD, seed } from '../prisma/seed.ts'
import { startServer } from '../src/app/server.ts'
import { ConfigError, readConfig } from '../src/config.ts'
import { createLog } from '../src/log.ts'

const EMAIL = 'ada@example.com'
const ONE_DAY_SECONDS = '86400'

async function demo(): Promise<void> {
  const { DATABASE_URL: _, ...environment } = process.env
  const config = readConfig({
    LOG_LEVEL: 'warn',
    ACCESS_TOKEN_TTL: ONE_DAY_SECONDS,
    ...environment,
    DATA_DIR: 'memory://',
  })
  const server = await startServer(config, createLog(config.LOG_LEVEL))
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
  process.stdout.write(screen(server.url, await signIn(server.url)))
}

async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/auth/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: EMAIL, password: DEMO_PASSWORD }),
  })
  const answer = (await response.json()) as { accessToken: string }
  return answer.accessToken
}

function screen(url: string, token: string): string {
  const json = `-H 'Content-Type: application/json'`
  const auth = `-H 'Authorization: Bearer ${token}'`
  return `
Taskwire demo: 3 users, 3 projects, 200 tasks. In memory; Ctrl-C stops it.

  GraphQL   ${url}/graphql   (GraphiQL in a browser)
  REST      ${url}/api/v1    (OpenAPI: ${url}/api/v1/openapi.json)
  Stream    ${url}/api/v1/events/stream

  Sign in   ada@example.com (ADMIN), ben@example.com, chloe@example.com
  Password  ${DEMO_PASSWORD}
  Token     ${token}

Follow the stream in one terminal:
curl -N ${url}/api/v1/events/stream ${auth}

Create a task over REST in another:
curl ${url}/api/v1/tasks ${json} ${auth} -d '{"title": "Try Taskwire", "priority": 5}'

List your urgent tasks, and search:
curl '${url}/api/v1/tasks?assigneeId=me&status=PENDING&orderBy=priority:desc&orderBy=dueAt&limit=3' ${auth}
curl '${url}/api/v1/tasks?search=vouchers&fields=key,title,status' ${auth}

Read the newest task over GraphQL:
curl ${url}/graphql ${json} ${auth} -d '{"query": "{ tasks(first: 1, orderBy: [{field: CREATED_AT, direction: DESC}]) { nodes { id title priority project { name } } } }"}'

`
}

demo().catch((error: unknown) => {
  const known = error instanceof ConfigError || (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  console.error(known ? (error as Error).message : error)
  process.exit(1)
})
