import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { eventStream, rest } from '../support/clients.ts'
import { emptyPostgres, onPostgres, testDatabase } from '../support/database.ts'
import { expectEnded, openStreams } from '../support/open-streams.ts'
import { isInstalled, type ProxyProcess, startPgbouncer } from '../support/proxies.ts'
import { keepingLog, signUp, type TestServer } from '../support/server.ts'

const runs = onPostgres && isInstalled('pgbouncer')

let pooler: ProxyProcess
beforeAll(async () => {
  if (runs) pooler = await startPgbouncer(process.env.TEST_DATABASE_DIRECT_URL ?? process.env.TEST_DATABASE_URL ?? '')
})
afterAll(() => pooler?.stop())

/** Returns the URL through the pooler. */
function pooled(direct: string, parameters: Record<string, string> = { pgbouncer: 'true' }): string {
  const url = new URL(direct)
  url.host = `127.0.0.1:${pooler.ports[0]}`
  url.search = new URLSearchParams(parameters).toString()
  return url.href
}

async function serverOn(DATABASE_URL: string, settings: Record<string, string> = {}) {
  const log = keepingLog()
  const JWT_SECRET = 'a secret for tests that is long enough'
  const config = readConfig({ PORT: '0', DATABASE_URL, JWT_SECRET, RATE_LIMIT: 'off', ...settings })
  const server = await startServer(config, log)
  onTestFinished(() => server.close())
  return { ...server, log, config }
}

/** Returns the URL of a migrated database without the pooler. */
async function migrated(): Promise<string> {
  const { options, drop } = await testDatabase()
  onTestFinished(drop)
  return options.directUrl ?? options.url ?? ''
}

/** Writes on the first server, and reads it in a stream of the second and in its list. */
async function expectWorksTogether(first: TestServer, second: TestServer): Promise<void> {
  const { token } = await signUp(first)
  const stream = await eventStream(second, '/events/stream', { token })
  const ids: string[] = []
  // More often than it takes a statement to get a name.
  for (let count = 0; count < 10; count++) {
    const headers = { 'idempotency-key': randomUUID() }
    const request = { token, body: { title: `Task ${count}` }, headers }
    const answers = await Promise.all([first, second].map((server) => rest(server, 'POST /tasks', request)))
    const repeated = await rest(second, 'POST /tasks', request)
    expect(repeated.status, repeated.text).toBe(201)
    for (const { status, body } of answers) if (status === 201) expect(body).toEqual(repeated.body)
    ids.push(repeated.body.id)
  }
  for (const id of ids) expect((await stream.inbox.next()).data.taskId).toBe(id)
  const { body } = await rest(second, 'GET /tasks?limit=100', { token })
  expect(body.nodes.map((task: { id: string }) => task.id).toSorted()).toEqual(ids.toSorted())
  stream.cut()
}

const warnings = ({ log }: TestServer) =>
  log.lines.filter(({ level }) => level === 'warn' || level === 'error').map(({ message }) => message)

describe.runIf(runs)('behind PgBouncer in transaction mode', () => {
  test('servers with a direct URL work together, and listen over it', async () => {
    const direct = await migrated()
    const settings = { DATABASE_DIRECT_URL: direct }
    const [first, second] = [await serverOn(pooled(direct), settings), await serverOn(pooled(direct), settings)]
    await expectWorksTogether(first, second)
    const listening = await first.db.$queryRaw`SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'LISTEN%' OR query LIKE '%pg_is_in_recovery%' AND pid <> pg_backend_pid()`
    expect(listening).not.toEqual([])
    expect([...warnings(first), ...warnings(second)]).toEqual([])
  })

  test('servers without a direct URL work together, and say what is missing', async () => {
    const direct = await migrated()
    const [first, second] = [await serverOn(pooled(direct)), await serverOn(pooled(direct))]
    await expectWorksTogether(first, second)
    for (const server of [first, second])
      expect(warnings(server)).toEqual([expect.stringContaining('set DATABASE_DIRECT_URL')])
  })

  test('a URL that does not name the pooler works, and the log says what to add', async () => {
    const direct = await migrated()
    const settings = { DATABASE_DIRECT_URL: direct }
    const [first, second] = [await serverOn(pooled(direct, {}), settings), await serverOn(pooled(direct, {}), settings)]
    await expectWorksTogether(first, second)
    for (const server of [first, second])
      expect(warnings(server)).toEqual([expect.stringContaining('add ?pgbouncer=true')])
  })

  test('a revoked credential ends on the other server within a second', async () => {
    const direct = await migrated()
    const settings = { DATABASE_DIRECT_URL: direct }
    const [first, second] = [await serverOn(pooled(direct), settings), await serverOn(pooled(direct), settings)]
    const { token } = await signUp(first)
    const key = (await rest(first, 'POST /api-keys', { token, body: { name: 'Bot', scopes: ['tasks:read'] } })).body
    const createTask = () => rest(first, 'POST /tasks', { token, body: { title: 'A task' } })
    const streams = await openStreams(second, { apiKey: key.secret }, createTask)
    expect((await rest(first, `DELETE /api-keys/${key.id}`, { token })).status).toBe(204)
    await expectEnded([streams])
  })

  test('servers that start at once migrate an empty database in turn, through the pooler', async () => {
    const { directUrl, drop } = await emptyPostgres()
    onTestFinished(drop)
    const servers = await Promise.all([1, 2, 3].map(() => serverOn(pooled(directUrl))))
    await expectWorksTogether(servers[0]!, servers[2]!)
    const locks = await servers[0]!.db.$queryRaw`SELECT mode FROM pg_locks WHERE locktype = 'advisory'
      AND objid = 72707369 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
    expect(locks).toEqual([])
  })

  test('time-outs hold in every session of the pooler', async () => {
    const direct = await migrated()
    const server = await serverOn(pooled(direct), { DATABASE_STATEMENT_TIMEOUT: '1234' })
    const shown = await Promise.all(
      Array.from({ length: 8 }, () =>
        server.db.$transaction(async (tx) => {
          await tx.$queryRaw`SELECT pg_sleep(0.05)::text`
          const rows = await tx.$queryRaw<{ time: string }[]>`SELECT pg_backend_pid() AS pid,
            current_setting('statement_timeout') || ' ' || current_setting('TimeZone') AS time`
          return rows[0]!.time
        }),
      ),
    )
    expect(new Set(shown)).toEqual(new Set(['1234ms UTC']))
  })
})
