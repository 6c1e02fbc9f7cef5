import pg from 'pg'
import type { Config } from '../../config.ts'
import { parseConnection, prepareSession } from '../../database/connection.ts'
import { readMigrations } from '../../database/migrate.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

/** The oldest version of PostgreSQL with everything the migrations use. */
const LEAST_VERSION = 140_000

/** Access tokens and leases of servers are off by as much as the clocks. */
const CLOCK_LIMIT_MS = 2_000
const LAG_LIMIT_SECONDS = 60

/** Checks PostgreSQL. The embedded database is checked by its folder. */
export async function checkDatabase({ DATABASE_URL: url }: Config): Promise<Finding[]> {
  if (!url) return [ok('DATABASE_URL', 'is not set: the embedded database in DATA_DIR is used')]
  const { config, schema, namedStatements } = parseConnection(url)
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
      await checkPooler(client, namedStatements),
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

/** Tells a pooler in transaction mode by a backend that changes, or by a session setting that is lost. */
async function checkPooler(client: pg.Client, namedStatements: boolean): Promise<Finding> {
  const pooled = await client.query('SHOW pool_mode').then(
    () => true,
    () => false,
  )
  if (!namedStatements) return ok('pooler', 'DATABASE_URL has ?pgbouncer=true')
  if (pooled)
    return warning('pooler', 'a pooler answers', 'Add ?pgbouncer=true to DATABASE_URL if it is in transaction mode.')
  return ok('pooler', 'none')
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
        'SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished FROM _prisma_migrations WHERE rolled_back_at IS NULL',
      )
    : { rows: [] }
  const findings: Finding[] = []
  for (const { name, checksum, finished } of applied) {
    if (!known.has(name)) {
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

/** Finds triggers that somebody disabled: changes would miss in the event log. */
async function checkTriggers(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query(
    `SELECT tgname AS name, tgrelid::regclass::text AS "table" FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      WHERE c.relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgenabled = 'D' ORDER BY 1`,
  )
  return rows.map(({ name, table }) =>
    problem('triggers', `${name} is disabled`, `Run: ALTER TABLE ${table} ENABLE TRIGGER "${name}"`),
  )
}
