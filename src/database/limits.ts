/** Limits that keep a lock, a full queue or a dead connection from stopping everything else. */
export interface DatabaseLimits {
  /** How long a statement may wait for a lock. */
  lockMs: number
  /** How long one statement may run. */
  statementMs: number
  /** How long work may wait for a connection. */
  queueMs: number
  /** How much work may wait for a connection at a time. */
  queueLength: number
  /** How long the server may stay silent before its connections are replaced. */
  silenceMs: number
}

export const DEFAULT_LIMITS: DatabaseLimits = {
  lockMs: 5_000,
  statementMs: 20_000,
  queueMs: 5_000,
  queueLength: 1_000,
  silenceMs: 1_500,
}

/**
 * Says that the database cannot serve this now, in a message for clients. Looks like a time-out of
 * the operating system, which the driver adapter passes on and `toAppError` turns into UNAVAILABLE.
 */
export class DatabaseBusyError extends Error {
  readonly code = 'ETIMEDOUT'
  readonly syscall = 'query'
  readonly errno = -110
}
