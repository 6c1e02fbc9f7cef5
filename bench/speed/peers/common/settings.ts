/** What every peer reads from its environment. */
import pg from 'pg'

function required(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is missing`)
  return value
}

export const settings = {
  host: required('HOST'),
  port: Number(required('PORT')),
  databaseUrl: required('DATABASE_URL'),
  jwtSecret: required('JWT_SECRET'),
}

/** As many connections as Taskwire has by default. */
export const POOL_SIZE = 10

export function createPool(): pg.Pool {
  return new pg.Pool({ connectionString: settings.databaseUrl, max: POOL_SIZE })
}

/** Closes the server at the end of the benchmark. */
export function closeOnSignal(close: () => Promise<unknown>): void {
  process.once('SIGTERM', () => {
    close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
}
