import type { ClientBase, ClientConfig } from 'pg'
import type { DatabaseLimits } from './limits.ts'

/** Address of a database and how to set up a connection to it. */
export interface ConnectionSettings {
  config: ClientConfig
  /** PostgreSQL schema with our tables. */
  schema: string
  /**
   * True if prepared statements can have names. False behind a pooler that gives each transaction
   * another session: nothing of a session lasts then.
   */
  namedStatements: boolean
}

export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** Default log of callers that pass none. */
export const SILENT: Log = { info() {}, warn() {}, error() {} }

/** Idle time after which TCP checks that the other side is still there. */
const KEEP_ALIVE_MS = 10_000

/** Parameters of Prisma's URLs, unknown to PostgreSQL. */
const PRISMA_PARAMETERS = ['schema', 'pgbouncer', 'connection_limit', 'pool_timeout', 'connect_timeout']

/** Parses a `postgres://` URL. `?schema=` and `?pgbouncer=true` have their Prisma meaning. */
export function parseConnection(url: string): ConnectionSettings {
  // The URL class rejects socket addresses like postgres:///name?host=/run/postgresql.
  const [base = '', query = ''] = url.split(/\?(.*)/s)
  const params = new URLSearchParams(query)
  const schema = params.get('schema') || 'public'
  const namedStatements = params.get('pgbouncer') !== 'true'
  for (const name of PRISMA_PARAMETERS) params.delete(name)
  const rest = params.toString()
  return {
    config: {
      connectionString: rest ? `${base}?${rest}` : base,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      application_name: 'taskwire',
    },
    schema,
    namedStatements,
  }
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Session settings that affect answers. A database or a role can have other defaults. The time zone
 * must be UTC: adapter-pg writes times without a zone and reads them as UTC.
 */
export const PINNED: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  default_transaction_isolation: 'read committed',
}

const PINS = Object.entries(PINNED).map(([name, value]) => `${name} TO '${value}'`)

/** Applies the settings of every session, with a statement: poolers reject start-up options. */
export async function prepareSession(
  client: Pick<ClientBase, 'query'>,
  schema: string,
  limits?: DatabaseLimits,
): Promise<void> {
  const settings = [...PINS, searchPath(schema)].map((setting) => `SET ${setting}`)
  if (limits) {
    for (const [name, value] of Object.entries(limitSettings(limits))) settings.push(`SET ${name} TO ${value}`)
    settings.push(VANISHED_SETTINGS)
  }
  await client.query(settings.join('; '))
}

/** Does the same for the current transaction, which has no time-outs. */
export async function prepareTransaction(client: Pick<ClientBase, 'query'>, schema: string): Promise<void> {
  await client.query([...PINS, searchPath(schema)].map((setting) => `SET LOCAL ${setting}`).join('; '))
}

const searchPath = (schema: string) => `search_path TO ${quoteIdentifier(schema)}`

/** How long the server keeps a transaction that does nothing, with its locks. */
const IDLE_IN_TRANSACTION_MS = 15_000

/** How long the server keeps working for a client that has vanished. */
const VANISHED_MS = 5_000

/** Settings that free what a client held that has vanished. Older servers lack some of them. */
const VANISHED = ['client_connection_check_interval', 'tcp_user_timeout']

const VANISHED_SETTINGS = `DO $$ BEGIN
    PERFORM set_config(name, '${VANISHED_MS}', false) FROM pg_settings
      WHERE name IN (${VANISHED.map((name) => `'${name}'`).join(', ')});
  EXCEPTION WHEN OTHERS THEN NULL; END $$`

/** Returns the time-outs that every server knows, in milliseconds. */
function limitSettings({ lockMs, statementMs }: DatabaseLimits): Record<string, number> {
  return {
    statement_timeout: statementMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  }
}

/** Returns all settings of a session except the search path, as `pg_settings` shows them. */
export function sessionDefaults(limits: DatabaseLimits): Record<string, string> {
  const vanished = VANISHED.map((name) => [name, VANISHED_MS] as const)
  const times = [...Object.entries(limitSettings(limits)), ...vanished]
  return { ...PINNED, ...Object.fromEntries(times.map(([name, value]) => [name, String(value)])) }
}
