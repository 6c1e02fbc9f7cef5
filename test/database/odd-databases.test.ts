import { randomBytes, randomUUID } from 'node:crypto'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type RunningServer, startServer } from '../../src/app/server.ts'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/database/client.ts'
import { parseConnection } from '../../src/database/connection.ts'
import { MIGRATIONS, migrate } from '../../src/database/migrate.ts'
import { rest } from '../support/clients.ts'
import { emptyPostgres, onPostgres } from '../support/database.ts'
import { keepingLog, QUICK_TO_STOP } from '../support/server.ts'

/** Databases of somebody else: PostgreSQL with other defaults, rights and locales than usual. */

async function database(
  options?: string,
): Promise<{ url: string; directUrl: string; name: string; sql: (text: string) => Promise<pg.QueryResult> }> {
  const { url, directUrl, drop } = await emptyPostgres(options)
  onTestFinished(drop)
  const sql = async (text: string) => {
    const client = new pg.Client({ connectionString: directUrl })
    await client.connect()
    return client.query(text).finally(() => client.end())
  }
  return { url, directUrl, name: new URL(url).pathname.slice(1), sql }
}

async function start(url: string): Promise<RunningServer & { log: ReturnType<typeof keepingLog> }> {
  const log = keepingLog()
  const settings = {
    PORT: '0',
    DATABASE_URL: url,
    JWT_SECRET: 'a secret for tests that is long enough',
    RATE_LIMIT: 'off',
  }
  return { ...(await startServer(readConfig(settings), log, undefined, QUICK_TO_STOP)), log }
}

const PASSWORD = 'correct horse battery'
const EMAIL = 'ada@example.org'

/** Uses what depends on formats: times, cursors, bytes of tokens and keys, events and stored answers. */
async function useEverything(server: { url: string }): Promise<void> {
  const dueAt = '2026-02-03T04:05:06.789Z'
  const ok = async (call: string, token?: string, body?: object, headers?: Record<string, string>) => {
    const answer = await rest(server, call, { token, body, ...(headers && { headers }) })
    expect(answer.status, `${call}: ${answer.text}`).toBeLessThan(300)
    return answer.body
  }
  const { accessToken: token, refreshToken } = await ok('POST /auth/register', undefined, {
    email: EMAIL,
    name: 'Ada',
    password: PASSWORD,
  })
  await ok('POST /auth/refresh', undefined, { refreshToken })
  const { secret } = await ok('POST /api-keys', token, { name: 'Bot', scopes: ['tasks:read', 'tasks:write'] })
  const { cursor } = await ok('GET /events/cursor', token)
  const once = { 'idempotency-key': randomUUID() }
  const body = { title: 'back\\slash and C:\\new \u00e9', description: "it's \\'quoted\\'", dueAt }
  const task = await ok('POST /tasks', secret, body, once)
  expect(task).toMatchObject(body)
  expect(await ok('POST /tasks', secret, body, once)).toEqual(task)
  const second = await ok('POST /tasks', token, { title: 'Second', dueAt: '2026-03-02T01:00:00Z' })
  for (const order of ['createdAt:asc', 'dueAt:asc']) {
    const page = await ok(`GET /tasks?limit=1&orderBy=${order}`, token)
    expect(page.nodes.map(({ id }: { id: string }) => id)).toEqual([task.id])
    const next = await ok(`GET /tasks?limit=1&orderBy=${order}&after=${page.pageInfo.endCursor}`, token)
    expect(next.nodes.map(({ id }: { id: string }) => id)).toEqual([second.id])
  }
  expect((await ok('GET /tasks?dueAt.gte=2026-02-10', token)).nodes).toHaveLength(1)
  expect((await ok('GET /tasks?search=slash', token)).nodes).toHaveLength(1)
  const changed = await ok(`PATCH /tasks/${task.id}`, token, { status: 'COMPLETED' })
  expect(Math.abs(Date.now() - Date.parse(changed.completedAt))).toBeLessThan(600_000)
  const { nodes } = await ok(`GET /events?after=${cursor}`, token)
  expect(nodes.map(({ type }: { type: string }) => type)).toEqual(['task.created', 'task.created', 'task.updated'])
  const due = nodes[0].changes.find(({ field }: { field: string }) => field === 'dueAt')
  expect(due).toMatchObject({ to: dueAt })
  await ok(`DELETE /tasks/${second.id}`, token)
}

async function expectWorks(url: string): Promise<void> {
  const server = await start(url)
  await useEverything(server).finally(() => server.close())
  expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  const again = await start(url)
  const { status } = await rest(again, 'POST /auth/sign-in', { body: { email: EMAIL, password: PASSWORD } })
  await again.close()
  expect(status).toBe(200)
}

const SETTINGS: Record<string, string>[] = [
  { DateStyle: 'SQL, DMY' },
  { DateStyle: 'Postgres, MDY', IntervalStyle: 'sql_standard' },
  { DateStyle: 'German', TimeZone: 'Asia/Kathmandu' },
  { bytea_output: 'escape', standard_conforming_strings: 'off' },
  { IntervalStyle: 'iso_8601', extra_float_digits: '-15', array_nulls: 'off', transform_null_equals: 'on' },
  { default_transaction_isolation: 'serializable' },
]

describe.runIf(onPostgres)('a PostgreSQL database', () => {
  test.each(SETTINGS)('with the defaults %o works like any other', async (settings) => {
    const { url, name, sql } = await database()
    for (const [setting, value] of Object.entries(settings))
      await sql(`ALTER DATABASE ${name} SET ${setting} TO '${value}'`)
    await expectWorks(url)
  })

  test('behind a pooler of transactions gets the formats as defaults of the role, in this database only', async () => {
    const { directUrl, name, sql } = await database()
    const role = `taskwire_${randomBytes(4).toString('hex')}`
    await sql(`CREATE ROLE ${role} LOGIN; GRANT USAGE, CREATE ON SCHEMA public TO ${role}`)
    onTestFinished(() => sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`).then(() => undefined))
    for (const setting of [`DateStyle TO 'SQL, DMY'`, `TimeZone TO 'Asia/Kathmandu'`, `bytea_output TO 'escape'`])
      await sql(`ALTER DATABASE ${name} SET ${setting}`)
    const pooled = new URL(directUrl)
    pooled.username = role
    pooled.searchParams.set('pgbouncer', 'true')
    const handle = await openDatabase({ url: pooled.href, dataDir: tmpdir() })
    await handle.close()
    pooled.searchParams.delete('pgbouncer')
    const client = new pg.Client({ connectionString: pooled.href })
    await client.connect()
    const { rows } = await client.query(
      `SELECT current_setting('DateStyle') AS dates, current_setting('TimeZone') AS zone, current_setting('bytea_output') AS bytes`,
    )
    await client.end()
    expect(rows).toEqual([{ dates: 'ISO, MDY', zone: 'UTC', bytes: 'hex' }])
    const { rows: others } = await sql(`SELECT current_setting('DateStyle') AS dates`)
    expect(others).toEqual([{ dates: 'SQL, DMY' }])
    await expectWorks(pooled.href)
  })

  test.each(['public', 'tasks'])(
    'works for a role with the rights that the documentation lists, on schema %s',
    async (schema) => {
      const { url, name, sql } = await database()
      const role = `taskwire_${randomBytes(4).toString('hex')}`
      await sql(`CREATE ROLE ${role} LOGIN`)
      onTestFinished(() => sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`).then(() => undefined))
      await sql(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC`)
      if (schema !== 'public') await sql(`CREATE SCHEMA ${schema}`)
      await sql(`GRANT CONNECT ON DATABASE ${name} TO ${role}; GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${role}`)
      const limited = new URL(url)
      limited.username = role
      limited.searchParams.set('schema', schema)
      await expectWorks(limited.href)
    },
  )

  test.each([
    `LC_CTYPE 'C' LC_COLLATE 'C'`,
    `LC_CTYPE 'C.UTF-8' LC_COLLATE 'C.UTF-8'`,
    `LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'`,
  ])('with %s works, and compares names without regard to case', async (locale) => {
    const { url } = await database(`TEMPLATE template0 ENCODING 'UTF8' ${locale}`)
    await expectWorks(url)
    const server = await start(url)
    onTestFinished(() => server.close())
    const { body } = await rest(server, 'POST /auth/sign-in', { body: { email: EMAIL, password: PASSWORD } })
    await expectSameNames(server, body.accessToken)
  })

  test('keeps labels that have become the same: the newer ones get a number', async () => {
    const { url, sql } = await database(`TEMPLATE template0 ENCODING 'UTF8' LC_CTYPE 'C' LC_COLLATE 'C'`)
    const directory = await mkdtemp(join(tmpdir(), 'tw-locale-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    for (const name of (await readdir(MIGRATIONS)).filter((one) => /^\d+_/.test(one)).sort()) {
      if (name.endsWith('_names_in_any_locale')) break
      await cp(join(MIGRATIONS, name), join(directory, name), { recursive: true })
    }
    await migrate(parseConnection(url), { directory })
    const project = randomUUID()
    await sql(`INSERT INTO "Project" ("id", "key", "name") VALUES ('${project}', 'WEB', 'Web')`)
    const names = [
      'École',
      'école',
      'E\u0301cole',
      'école (2)',
      'Straße',
      'strasse',
      `${'é'.repeat(49)}x`,
      `${'É'.repeat(49)}X`,
    ]
    for (const [index, name] of names.entries()) {
      await sql(`INSERT INTO "Label" ("id", "projectId", "name", "color", "createdAt")
        VALUES ('${randomUUID()}', '${project}', '${name}', '#000000', '2026-01-0${index + 1}')`)
    }
    await migrate(parseConnection(url))
    const { rows } = await sql(`SELECT "name" FROM "Label" ORDER BY "createdAt"`)
    expect(rows.map(({ name }) => name)).toEqual([
      'École',
      'école (3)',
      'E\u0301cole (4)',
      'école (2)',
      'Straße',
      'strasse (2)',
      `${'é'.repeat(49)}x`,
      `${'É'.repeat(46)} (2)`,
    ])
  })
})

/** Checks that labels and users are found whatever the case and the encoding of their accents. */
async function expectSameNames(server: { url: string }, token: string): Promise<void> {
  const project = (await rest(server, 'POST /projects', { token, body: { name: 'Names' } })).body
  const create = (name: string) => rest(server, `POST /projects/${project.id}/labels`, { token, body: { name } })
  const PAIRS = [
    ['École', 'école'],
    ['Straße', 'STRASSE'],
    ['Σίσυφος', 'ΣΊΣΥΦΟΣ'],
    ['café', 'cafe\u0301'],
    ['INBOX', 'inbox'],
  ] as const
  for (const [name, same] of PAIRS) {
    expect((await create(name)).status, name).toBe(201)
    const refused = await create(same)
    expect([same, refused.status, refused.body.code]).toEqual([same, 409, 'CONFLICT'])
  }
  for (const other of ['Ecole', 'Strase', 'cafe']) expect((await create(other)).status, other).toBe(201)
  const account = { email: `${randomUUID()}@example.org`, name: 'Jürgen Ößterreich', password: PASSWORD }
  expect((await rest(server, 'POST /users', { token, body: account })).status).toBe(201)
  for (const search of ['jürgen', 'JÜRGEN', 'ju\u0308rgen', 'öSSTER', account.email.toUpperCase()]) {
    const { body } = await rest(server, `GET /users?search=${encodeURIComponent(search)}`, { token })
    expect([search, body.nodes.map(({ name }: { name: string }) => name)]).toEqual([search, [account.name]])
  }
}
