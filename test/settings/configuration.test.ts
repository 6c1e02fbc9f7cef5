import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ConfigError, misspeltSettings, readConfig, variables } from '../../src/config.ts'
import { failingServer } from '../support/process.ts'
import { sharedServer } from '../support/server.ts'

const WRONG = {
  PORT: 'abc',
  LOG_LEVEL: 'loud',
  DATABASE_POOL_SIZE: '0',
  COMPRESSION: 'yes',
  CORS_ORIGINS: 'https://app.example.org/, https://other.example.org',
  ALLOWED_HOSTS: 'https://tasks.example.org',
  TRUSTED_DOCUMENTS: '/nowhere/documents.json',
  JWT_JWKS_URL: 'keys.example.org',
  JWT_SECRET: 'a rather short secret',
  SMTP_URL: 'smtp://mail.example.org',
  DATABASE_URl: 'postgres://localhost/tasks',
  RATE_LIMITS: 'on',
}

const PROBLEMS = [
  'PORT: must be a whole number from 0 to 65535',
  'DATABASE_POOL_SIZE: must be a whole number from 1 to 200',
  'JWT_SECRET: must be 32 characters or more; generate one with: openssl rand -base64 48',
  'JWT_JWKS_URL: must be a URL with http:// or https://',
  'CORS_ORIGINS: "https://app.example.org/" is not an origin like https://app.example.org',
  'ALLOWED_HOSTS: "https://tasks.example.org" is not a host name like tasks.example.org, *.example.org or *',
  'COMPRESSION: must be on or off',
  'TRUSTED_DOCUMENTS: there is no file "/nowhere/documents.json"',
  'LOG_LEVEL: must be one of info, fatal, error, warn, debug, trace, silent',
  // Variables that need others.
  'MAIL_FROM: is required with SMTP_URL',
  'JWT_ISSUER: is required with JWT_JWKS_URL',
  'JWT_AUDIENCE: is required with JWT_JWKS_URL',
  // Variables that are ignored.
  '"DATABASE_URl" is not a setting. Did you mean DATABASE_URL?',
  '"RATE_LIMITS" is not a setting. Did you mean RATE_LIMIT?',
]

const LIST = `The configuration is invalid:\n${PROBLEMS.map((problem) => `  ${problem}\n`).join('')}`

test.each([
  ['npm start', ['npm', 'start', '--silent']],
  ['taskwire serve', [process.execPath, 'src/cli.ts', 'serve']],
  ['taskwire migrate', [process.execPath, 'src/cli.ts', 'migrate']],
] as const)('`%s` stops with all problems in one list and without a stack trace', async (_name, command) => {
  const { code, output } = await failingServer(WRONG, command)
  expect(output).toBe(LIST)
  expect(code).toBe(1)
})

test('a port in use stops the start in one line, before a database is created', async () => {
  const other = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const DATA_DIR = join(tmpdir(), `taskwire-port-${port}`)
  const start = (PORT: string) => failingServer({ PORT, DATA_DIR, LOG_LEVEL: 'error' })
  const remedy = 'Stop it, or set PORT to a free port.\n'
  expect(await start(String(port))).toEqual({ code: 1, output: `Port ${port} is in use by another program. ${remedy}` })
  const own = new URL((await sharedServer()).url).port
  expect(await start(own)).toEqual({ code: 1, output: `Port ${own} is in use by another Taskwire. ${remedy}` })
  expect(existsSync(DATA_DIR)).toBe(false)
})

test.each([
  [{ DATABASE_URL: 'postgres://localhost/tasks' }, 'JWT_SECRET: is required with DATABASE_URL'],
  [{ OPERATIONS: 'trusted' }, 'TRUSTED_DOCUMENTS: is required with OPERATIONS=trusted'],
  [{ SMTP_URL: 'smtp://mail.example.org' }, 'MAIL_FROM: is required with SMTP_URL'],
  [{ JWT_JWKS_URL: 'https://id.example.org/keys', JWT_ISSUER: 'x' }, 'JWT_AUDIENCE: is required with JWT_JWKS_URL'],
])('%o lacks another variable', (settings, problem) => {
  expect(() => readConfig(settings)).toThrow(ConfigError)
  expect(() => readConfig(settings)).toThrow(problem)
})

test.each([
  ['DATABASE_URl', 'DATABASE_URL'],
  ['database_url', 'DATABASE_URL'],
  ['DATABSE_URL', 'DATABASE_URL'],
  ['JWT_SECRETS', 'JWT_SECRET'],
  ['TRUSTED_PROXY', undefined],
  ['LOGLEVEL', 'LOG_LEVEL'],
  ['CORS_ORIGIN', 'CORS_ORIGINS'],
  ['port', 'PORT'],
  ['POST', undefined],
  ['HOSTNAME', undefined],
  ['PATH', undefined],
  ['NODE_ENV', undefined],
  ['SMTP_USER', undefined],
])('%s is taken for %s', (given, meant) => {
  const warning = `${JSON.stringify(given)} is not a setting. Did you mean ${meant}?`
  expect(misspeltSettings({ [given]: 'x' })).toEqual(meant === undefined ? [] : [warning])
})

test('a misspelt setting alone stops nothing', () => {
  expect(readConfig({ DATABASE_URl: 'postgres://localhost/tasks' }).DATABASE_URL).toBeUndefined()
})

test('no setting is taken for another, and an empty one counts as unset', () => {
  expect(misspeltSettings(Object.fromEntries(Object.keys(variables).map((name) => [name, ''])))).toEqual([])
  const empty = Object.fromEntries(Object.keys(variables).map((name) => [name, '']))
  expect(readConfig(empty)).toEqual(readConfig({}))
})
