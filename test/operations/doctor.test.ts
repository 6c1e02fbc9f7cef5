import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { checkConfiguration } from '../../src/app/doctor/configuration.ts'
import { checkDatabase } from '../../src/app/doctor/database.ts'
import type { Finding } from '../../src/app/doctor/finding.ts'
import { checkFolders, checkPort } from '../../src/app/doctor/machine.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { emptyPostgres, onPostgres, testDatabase } from '../support/database.ts'

const SECRET = 'Zq8vT2mLrX5nKc7wYb4hGd9sPf3jUe6a'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskwire-doctor-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const configOf = (settings: Record<string, string>): Config =>
  readConfig({ DATA_DIR: folder, JWT_SECRET: SECRET, PORT: '0', ...settings })

/** Returns the problems and warnings, each as a line. */
const linesOf = (findings: readonly Finding[]) =>
  findings.filter(({ level }) => level !== 'ok').map(({ subject, text, remedy }) => `${subject}: ${text}. ${remedy}`)

/** A migrated database, changed by a statement. */
async function databaseWith(sql?: string): Promise<Config> {
  const { options, drop } = await testDatabase()
  onTestFinished(drop)
  if (sql) await query(options.url ?? '', sql)
  return configOf({ DATABASE_URL: options.url ?? '' })
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(sql)
  await client.end()
}

describe('taskwire doctor names the problem and the remedy of', () => {
  test('invalid settings, all of them', () => {
    const findings = checkConfiguration({ PORT: 'high', DATABASE_URL: 'mysql://db', SMTP_URL: 'smtp://mail' })
    expect(findings.map(({ subject }) => subject)).toEqual(['PORT', 'DATABASE_URL', 'JWT_SECRET', 'MAIL_FROM'])
    expect(findings.every(({ level, remedy }) => level === 'problem' && remedy?.startsWith('Correct '))).toBe(true)
  })

  test('a secret that is easy to guess, also as one of several', () => {
    const findings = checkConfiguration({ JWT_SECRET: `${SECRET},${'abcdef'.repeat(6)}`, HOST: '127.0.0.1' })
    expect(linesOf(findings).join()).toMatch(/JWT_SECRET: is easy to guess.*openssl rand/)
  })

  test('a data folder that is a file', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    expect(linesOf(await checkFolders(configOf({ DATA_DIR: file }))).join()).toMatch(/DATA_DIR: .* is not a folder/)
  })

  test('a port that another program uses', async () => {
    const other = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    const lines = linesOf(await checkPort(configOf({ PORT: String(port) })))
    expect(lines.join()).toMatch(/in use by another program.*set PORT to a free port/)
  })

  test('a PostgreSQL that does not run', async () => {
    const lines = linesOf(await checkDatabase(configOf({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/tasks' })))
    expect(lines.join()).toMatch(/DATABASE_URL: cannot connect.*Start PostgreSQL/)
  })

  describe.runIf(onPostgres)('in PostgreSQL,', () => {
    test('nothing, if all is well', async () => {
      expect(linesOf(await checkDatabase(await databaseWith()))).toEqual([])
    })

    test('a database that does not exist', async () => {
      const { DATABASE_URL: url = '' } = await databaseWith()
      const missing = new URL(url)
      missing.pathname = '/no_such_database'
      const lines = linesOf(await checkDatabase(configOf({ DATABASE_URL: missing.href })))
      expect(lines.join()).toContain('CREATE DATABASE')
    })

    test('another encoding than UTF8', async () => {
      const { url, drop } = await emptyPostgres(`ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
      onTestFinished(drop)
      expect(linesOf(await checkDatabase(configOf({ DATABASE_URL: url }))).join()).toMatch(
        /encoding: .*SQL_ASCII.*UTF8/,
      )
    })

    test('a role without the right to create tables', async () => {
      const { url, drop } = await emptyPostgres()
      const role = `taskwire_doctor_${process.pid}`
      await query(url, `CREATE ROLE ${role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
      onTestFinished(async () => {
        await query(url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)
        await drop()
      })
      const own = new URL(url)
      own.username = role
      const lines = linesOf(await checkDatabase(configOf({ DATABASE_URL: own.href })))
      expect(lines.join()).toContain(`GRANT USAGE, CREATE ON SCHEMA "public" TO "${role}"`)
    })

    test.each([
      [
        'a migration that failed half-way',
        `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name LIKE '%_init'`,
        /failed half-way.*resolve --rolled-back/,
      ],
      [
        'a database of a newer release that removed something',
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '2099_contract', now())`,
        /2099_contract is unknown.*Start that version/,
      ],
      [
        'a database of a newer release that only added',
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, logs) VALUES ('x', 'x', '2099_more', now(), 'expand')`,
        /2099_more is of a newer release, which only added.*upgrade/,
      ],
      [
        'a disabled trigger',
        'ALTER TABLE "Task" DISABLE TRIGGER USER',
        /is disabled\. Run: ALTER TABLE "Task" ENABLE TRIGGER/,
      ],
      ['a missing trigger', 'DROP TRIGGER "AuditEntry_not_truncated" ON "AuditEntry"', /of AuditEntry is missing/],
      [
        'a database that refuses changes',
        `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`,
        /refuses changes.*default_transaction_read_only/,
      ],
    ])('%s', async (_what, sql, finding) => {
      expect(linesOf(await checkDatabase(await databaseWith(sql))).join('\n')).toMatch(finding)
    })
  })

  test('whatever it finds, with exit code 1', async () => {
    const run = await new Promise<{ code: unknown; output: string }>((resolve) => {
      const env = { PATH: process.env.PATH, PORT: 'high', JWT_SECRET: 'short' }
      execFile(process.execPath, ['src/cli.ts', 'doctor'], { env }, (error, stdout) =>
        resolve({ code: error?.code, output: stdout }),
      )
    })
    expect(run.code).toBe(1)
    expect(run.output).toMatch(/problem {2}PORT: .*\n.*Correct PORT/)
    expect(run.output).toContain('2 problems found.')
  })
})
