import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { type ConnectionSettings, parseConnection } from '../../src/database/connection.ts'
import { startEmbedded } from '../../src/database/embedded.ts'
import { MIGRATIONS, migrate } from '../../src/database/migrate.ts'
import { decodeCursor, encodeCursor } from '../../src/events/log.ts'
import { rest } from '../support/clients.ts'
import { emptyPostgres, onPostgres } from '../support/database.ts'
import { keepingLog, QUICK_TO_STOP } from '../support/server.ts'

const FIXTURE = new URL('./fixtures/release-0.1.0.sql', import.meta.url)

const cleanUps: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

type Rows = Record<string, unknown[]>

let settings: Record<string, string>
let before: Rows
let after: Rows

/** Runs on a database that a server started with the settings opens later. */
async function withConnection<T>(work: (connection: ConnectionSettings) => Promise<T>): Promise<T> {
  if (settings.DATABASE_URL) return work(parseConnection(settings.DATABASE_URL))
  const embedded = await startEmbedded(settings.DATA_DIR ?? '')
  return work(embedded.connection).finally(() => embedded.close())
}

async function withClient<T>({ config }: ConnectionSettings, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(config)
  await client.connect()
  return work(client).finally(() => client.end())
}

/** Gives the database the migrations and the rows of the old release. */
async function restore(connection: ConnectionSettings): Promise<void> {
  const sql = await readFile(FIXTURE, 'utf8')
  const directory = await mkdtemp(join(tmpdir(), 'tw-old-'))
  cleanUps.push(() => rm(directory, { recursive: true }))
  for (const [, name = ''] of sql.matchAll(/^-- {3}(\d+_\w+)$/gm))
    await cp(join(MIGRATIONS, name), join(directory, name), { recursive: true })
  await migrate(connection, { directory })
  await withClient(connection, (client) => client.query(sql))
}

/** Reads every row of every table, with the columns of the old release. */
function readRows(connection: ConnectionSettings, columns?: Rows): Promise<Rows> {
  return withClient(connection, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '_prisma_migrations'`,
    )
    const found: Rows = {}
    for (const { name } of tables) {
      // An upgrade computes search words anew.
      const { rows } = await client.query(
        `SELECT row FROM "${name}" t, LATERAL (SELECT to_jsonb(t) - 'words' AS row) stored ORDER BY row::text`,
      )
      found[name] = rows.map(({ row }) => row)
    }
    return columns ? Object.fromEntries(Object.entries(found).filter(([name]) => name in columns)) : found
  })
}

beforeAll(async () => {
  // The fixture's rows grow old: housekeeping must not remove them.
  settings = { PORT: '0', JWT_SECRET: 'a secret for tests that is long enough', EVENT_RETENTION_DAYS: '3650' }
  if (onPostgres) {
    const { url, drop } = await emptyPostgres()
    cleanUps.push(drop)
    settings.DATABASE_URL = url
  } else {
    const dataDir = await mkdtemp(join(tmpdir(), 'tw-upgrade-'))
    cleanUps.push(() => rm(dataDir, { recursive: true }))
    settings.DATA_DIR = dataDir
  }
  await withConnection(async (connection) => {
    await restore(connection)
    before = await readRows(connection)
    await migrate(connection)
    after = await readRows(connection, before)
  })
})

describe('a database of version 0.1.0', () => {
  test('keeps every row through the upgrade', () => {
    expect(Object.values(before).flat()).toHaveLength(102)
    for (const [table, rows] of Object.entries(before)) expect(after[table], table).toMatchObject(rows)
  })

  test('orders its tasks by number', () => {
    const tasks = after.Task as { number: number; rank: string }[]
    expect(tasks.length).toBeGreaterThan(5)
    for (const { number, rank } of tasks) expect(rank).toBe(`h00000${number}00`)
  })

  test('serves its tasks, resumes its event cursors and continues its versions and numbers', async () => {
    const server = await startServer(readConfig(settings), keepingLog(), undefined, QUICK_TO_STOP)
    try {
      const signIn = { body: { email: 'ben@example.org', password: 'password of Ben' } }
      const { body: session } = await rest(server, 'POST /auth/sign-in', signIn)
      const token: string = session.accessToken
      const read = async (request: string) => (await rest(server, request, { token })).body

      const tasks = await read('GET /tasks?include=totalCount')
      expect(tasks.totalCount).toBe(6)
      const moved = await read('GET /tasks/WEB-4')
      expect(moved).toMatchObject({ key: 'OPS-1', title: 'Renew the certificate' })

      // The upgrade indexes what the old release stored.
      const found = await read('GET /tasks?search=%2Agift')
      expect(found.nodes).toMatchObject([{ title: 'Fix the checkout' }])
      expect((await read('GET /tasks?search=%23gift')).nodes).toEqual([])

      // One event had no position yet when the old server stopped.
      const events = await read(`GET /events?after=${encodeCursor(40n)}&limit=100`)
      const types = events.nodes.map(({ type }: { type: string }) => type)
      expect(types).toEqual([
        'task.restored',
        'task.created',
        'task.removed',
        'task.updated',
        'task.deleted',
        'task.created',
        'task.updated',
      ])

      const end: string = events.pageInfo.endCursor
      expect(decodeCursor(end)).toMatchObject({ position: 49n, epoch: expect.any(String) })
      const task = await read('GET /tasks/WEB-1')
      const update = await rest(server, `PATCH /tasks/${task.id}`, { token, body: { title: 'After the upgrade' } })
      expect(update.body).toMatchObject({ version: task.version + 1 })
      const created = await rest(server, 'POST /tasks', { token, body: { projectId: task.projectId, title: 'New' } })
      expect(created.body).toMatchObject({ key: 'WEB-10' })
      const { nodes } = await read(`GET /events?after=${end}&include=changes`)
      expect(nodes).toMatchObject([
        { type: 'task.updated', subjectId: task.id, version: task.version + 1 },
        { type: 'task.created', subjectId: created.body.id },
      ])
      const positions = nodes.map(({ cursor }: { cursor: string }) => decodeCursor(cursor).position)
      expect(positions).toEqual([50n, 51n])

      // A stream filters its replay by the state that the old release stored.
      const completed = await read(`GET /events?status=COMPLETED&after=${encodeCursor(0n)}`)
      expect(completed.nodes.map(({ match }: { match: string }) => match)).toEqual(['ENTERED', 'STAYED'])
    } finally {
      await server.close()
    }
  })
})
