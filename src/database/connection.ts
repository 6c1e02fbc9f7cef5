import type { ClientBase, ClientConfig } from 'pg'

/** Address of a database and how to set up a connection to it. */
export interface ConnectionSettings {
  config: ClientConfig
  /** PostgreSQL schema with our tables. */
  schema: string
  /**
   * True if prepared statements can have names. False behind a pooler that gives each transaction
   * another backend.
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
    config: { connectionString: rest ? `${base}?${rest}` : base, keepAlive: true, application_name: 'taskwire' },
    schema,
    namedStatements,
  }
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Applies the settings of every session. The time zone must be UTC: adapter-pg writes times without
 * a zone and reads them as UTC. Sent as a statement because poolers reject start-up options.
 */
export async function prepareSession(client: Pick<ClientBase, 'query'>, schema: string): Promise<void> {
  await client.query(`SET TIME ZONE 'UTC'; SET search_path TO ${quoteIdentifier(schema)}`)
}
