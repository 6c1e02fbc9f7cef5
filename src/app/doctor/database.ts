import pg from 'pg'
import type { Config } from '../../config.ts'
import { type ConnectionSettings, parseConnection, prepareSession } from '../../database/connection.ts'
import { EXPANDS, readMigrations } from '../../database/migrate.ts'
import { isPooledByTransaction } from '../../database/pooler.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** The oldest version of PostgreSQL with everything the migrations use. */
const LEAST_VERSION = 140_000

/** Access tokens and leases of servers are off by as much as the clocks. */
const CLOCK_LIMIT_MS = 2_000
const LAG_LIMIT_SECONDS = 60

/** Checks PostgreSQL. The embedded database is checked by its folder. */
export async function checkDatabase({ DATABASE_URL: url, DATABASE_DIRECT_URL: directUrl }: Config): Promise<Finding[]> {
  if (!url) return [ok('DATABASE_URL', 'is not set: the embedded database in DATA_DIR is used')]
  const connection = parseConnection(url)
  const { config, schema } = connection
  const client = new pg.Client({ ...config, connectionTimeoutMillis: 5_000, application_name: 'taskwire-doctor' })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    return [unreachable(error as NodeJS.ErrnoException)]
  }
  try {
    const findings = [
      ...(await checkServer(client)),
      ...(await checkClock(client)),
      await checkPooler(connection, directUrl),
    ]
    const rights = await checkRights(client, schema)
    findings.push(...rights)
    if (rights.some(({ level }) => level === 'problem')) return findings
    await prepareSession(client, schema)
    return [...findings, ...(await checkMigrations(client)), ...(await checkTriggers(client))]
  } finally {
    await client.end()
  }
}

function unreachable({ code, message }: NodeJS.ErrnoException): Finding {
  const remedies: Record<string, string> = {
    ECONNREFUSED: 'Start PostgreSQL, or correct the host and port in DATABASE_URL.',
    ENOTFOUND: 'Correct the host in DATABASE_URL.',
    '28P01': 'Correct the password in DATABASE_URL.',
    '28000': 'Create the role that DATABASE_URL names, or allow it in pg_hba.conf.',
    '3D000': 'Create the database that DATABASE_URL names: CREATE DATABASE … ENCODING UTF8 TEMPLATE template0.',
    '53300': 'Raise max_connections of PostgreSQL, or lower DATABASE_POOL_SIZE.',
  }
  const remedy = remedies[code ?? ''] ?? 'Check that PostgreSQL runs and that this machine reaches it.'
  return problem('DATABASE_URL', `cannot connect: ${message || code}`, remedy)
}

async function checkServer(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query(
    `SELECT current_setting('server_version') AS name, current_setting('server_version_num')::int AS version,
      current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS replica,
      current_setting('default_transaction_read_only') = 'on' AS "readOnly",
      (SELECT json_agg(json_build_object('name', application_name, 'lag', extract(epoch FROM replay_lag))) FROM pg_stat_replication) AS replicas`,
  )
  const { name, version, encoding, replica, readOnly, replicas } = rows[0]
  const findings: Finding[] = []
  if (version < LEAST_VERSION)
    findings.push(problem('PostgreSQL', `version ${name} is too old`, 'Upgrade it to 14 or later.'))
  else findings.push(ok('PostgreSQL', `version ${name}`))
  if (encoding !== 'UTF8') {
    const remedy = 'Create a database with the encoding UTF8: CREATE DATABASE … ENCODING UTF8 TEMPLATE template0.'
    findings.push(problem('encoding', `the database has ${encoding}`, remedy))
  }
  if (replica)
    findings.push(problem('replication', 'the database is a read-only replica', 'Point DATABASE_URL to the primary.'))
  else if (readOnly) {
    const remedy = 'Turn default_transaction_read_only off for this database and role.'
    findings.push(problem('read-only', 'the database refuses changes', remedy))
  }
  for (const { name: standby, lag } of replicas ?? []) {
    if (lag > LAG_LIMIT_SECONDS) {
      const remedy = 'Check the network and the disk of the replica. A failover to it would lose this time.'
      findings.push(warning('replication', `the replica ${standby} is ${Math.round(lag)} s behind`, remedy))
    } else findings.push(ok('replication', `the replica ${standby} is ${Math.round(lag ?? 0)} s behind`))
  }
  return findings
}

async function checkClock(client: pg.Client): Promise<Finding[]> {
  const before = Date.now()
  const { rows } = await client.query('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now')
  const skew = Math.round(Math.abs(Number(rows[0].now) - (before + Date.now()) / 2))
  if (skew <= CLOCK_LIMIT_MS) return [ok('clock', `differs from the database by ${skew} ms`)]
  return [problem('clock', `differs from the database by ${skew} ms`, 'Synchronize both machines with NTP.')]
}

async function checkPooler(connection: ConnectionSettings, directUrl: string | undefined): Promise<Finding> {
  if (connection.namedStatements) {
    if (!(await isPooledByTransaction(connection))) return ok('pooler', 'no pooler of transactions')
    const remedy = 'Add ?pgbouncer=true to DATABASE_URL, and set DATABASE_DIRECT_URL.'
    return problem('pooler', 'DATABASE_URL leads to a pooler in transaction mode, which it does not mention', remedy)
  }
  if (directUrl) return ok('pooler', 'DATABASE_URL has ?pgbouncer=true, and DATABASE_DIRECT_URL is set')
  const remedy =
    'Set DATABASE_DIRECT_URL to reach PostgreSQL without the pooler. Servers then hear of each other at once.'
  return warning('pooler', 'DATABASE_URL has ?pgbouncer=true, but DATABASE_DIRECT_URL is not set', remedy)
}

async function checkRights(client: pg.Client, schema: string): Promise<Finding[]> {
  const { rows } = await client.query(
    `SELECT current_user AS role, to_regnamespace(quote_ident($1)) IS NOT NULL AS exists,
      CASE WHEN to_regnamespace(quote_ident($1)) IS NULL THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege(to_regnamespace(quote_ident($1)), 'USAGE') AND has_schema_privilege(to_regnamespace(quote_ident($1)), 'CREATE') END AS allowed,
      (SELECT count(*)::int FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident($1)) AND relkind = 'r'
        AND NOT pg_has_role(relowner, 'USAGE')) AS foreign`,
    [schema],
  )
  const { role, exists, allowed, foreign } = rows[0]
  if (!allowed) {
    const remedy = exists
      ? `GRANT USAGE, CREATE ON SCHEMA "${schema}" TO "${role}"`
      : `CREATE SCHEMA "${schema}" AUTHORIZATION "${role}"`
    return [problem('rights', `the role ${role} cannot create tables in the schema ${schema}`, `Run: ${remedy}`)]
  }
  if (foreign > 0) {
    const remedy = `Connect as their owner, or run for each: ALTER TABLE … OWNER TO "${role}"`
    return [problem('rights', `${foreign} tables belong to another role than ${role}`, remedy)]
  }
  return [ok('rights', `the role ${role} has what it needs`)]
}

async function checkMigrations(client: pg.Client): Promise<Finding[]> {
  const known = new Map((await readMigrations()).map(({ name, checksum }) => [name, checksum]))
  const { rows: history } = await client.query(`SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`)
  const { rows: applied } = history[0].found
    ? await client.query(
        'SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, logs FROM _prisma_migrations WHERE rolled_back_at IS NULL',
      )
    : { rows: [] }
  const findings: Finding[] = []
  for (const { name, checksum, finished, logs } of applied) {
    if (!known.has(name) && logs === EXPANDS) {
      const remedy = 'During an upgrade this is as it should be. Afterwards, install the new release here too.'
      findings.push(warning('migrations', `${name} is of a newer release, which only added to the database`, remedy))
    } else if (!known.has(name)) {
      const remedy = 'A newer version of Taskwire used this database. Start that version.'
      findings.push(problem('migrations', `${name} is unknown to this version`, remedy))
    } else if (!finished) {
      const remedy = `Repair the database, then run: npx prisma migrate resolve --rolled-back ${name}`
      findings.push(problem('migrations', `${name} failed half-way`, remedy))
    } else if (known.get(name) !== checksum) {
      findings.push(
        problem('migrations', `${name} was edited after it was applied`, 'Install the original files again.'),
      )
    }
  }
  const pending = known.size - applied.filter(({ name }) => known.has(name)).length
  if (pending > 0) {
    findings.push(
      warning('migrations', `${pending} are pending`, 'Run: taskwire migrate. A server that starts does the same.'),
    )
  } else if (findings.length === 0) findings.push(ok('migrations', `all ${known.size} are applied`))
  return findings
}

/** Finds triggers that somebody disabled or dropped: changes would miss in the event log. */
async function checkTriggers(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query(
    `SELECT tgname AS name, relname AS "table", tgenabled = 'D' AS disabled
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      WHERE c.relnamespace = current_schema()::regnamespace AND NOT tgisinternal ORDER BY 1`,
  )
  const found = new Set(rows.map(({ name, table }) => `${name} ${table}`))
  const { rows: begun } = await client.query(`SELECT FROM pg_class WHERE oid = to_regclass('_prisma_migrations')`)
  if (begun.length === 0) return []
  const { rows: history } = await client.query(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  )
  const applied = new Set(history.map(({ name }) => name))
  const migrations = (await readMigrations()).filter(({ name }) => applied.has(name))
  const missing = triggersOf(migrations.map(({ sql }) => sql)).filter((trigger) => !found.has(trigger))
  const disabled = rows.filter((row) => row.disabled)
  const remedy =
    'Restore a backup, or create it as prisma/functions has it. Changes made meanwhile are not in the event log.'
  return [
    ...disabled.map(({ name, table }) =>
      problem('triggers', `${name} is disabled`, `Run: ALTER TABLE "${table}" ENABLE TRIGGER "${name}"`),
    ),
    ...missing.map((trigger) => problem('triggers', `${trigger.replace(' ', ' of ')} is missing`, remedy)),
  ]
}

const TRIGGER =
  /^(?:CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER|(DROP) TRIGGER(?: IF EXISTS)?) "?(\w+)"?[^;]*?\bON "?(\w+)"?/gim

/** Returns the triggers that these migrations leave, as `NAME TABLE`. */
function triggersOf(migrations: readonly string[]): string[] {
  const left = new Set<string>()
  for (const [, drop, name, table] of migrations.flatMap((sql) => [...sql.matchAll(TRIGGER)])) {
    if (drop) left.delete(`${name} ${table}`)
    else left.add(`${name} ${table}`)
  }
  return [...left]
}
