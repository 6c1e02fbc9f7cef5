import type { ClientBase, ClientConfig } from 'pg'

/** Where a database is and how a connection to it is set up. */
export interface Connection {
  config: ClientConfig
  /** The PostgreSQL schema that holds our tables. */
  schema: string
  /** Whether prepared statements may have names; false behind a pooler that hands each transaction to another backend. */
  namedStatements: boolean
}

export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** For callers that give no log. */
export const SILENT: Log = { info() {}, warn() {}, error() {} }

/** Parameters of Prisma's URLs, which PostgreSQL does not know. */
const OURS = ['schema', 'pgbouncer', 'connection_limit', 'pool_timeout', 'connect_timeout']

/** Reads a `postgres://` URL; `?schema=` and `?pgbouncer=true` mean what they mean to Prisma. */
export function parseConnection(url: string): Connection {
  // Not with URL: a socket's address like postgres:///name?host=/run/postgresql is none.
  const [base = '', query = ''] = url.split(/\?(.*)/s)
  const params = new URLSearchParams(query)
  const schema = params.get('schema') || 'public'
  const namedStatements = params.get('pgbouncer') !== 'true'
  for (const name of OURS) params.delete(name)
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
 * Settings of every session. The time zone must be UTC: adapter-pg writes times without a zone and takes those it
 * reads for UTC. Sent as a statement, as poolers refuse start-up options.
 */
export async function prepareSession(client: Pick<ClientBase, 'query'>, schema: string): Promise<void> {
  await client.query(`SET TIME ZONE 'UTC'; SET search_path TO ${quoteIdentifier(schema)}`)
}
