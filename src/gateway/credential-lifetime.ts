import type { AppError } from './errors.ts'

/**
 * How long a stream or websocket may stay open: until its credential expires or is revoked. The
 * operations of a websocket share one lifetime; a stream has its own.
 */
export interface CredentialLifetime {
  /**
   * Calls back once with the reason when it ends, at once if it has ended. Returns a function that
   * stops listening.
   */
  onEnd(listener: (reason: AppError) => void): () => void
  /** Moves the end, in milliseconds since the epoch. Null means that it never expires. */
  extend(expiresAt: number | null): void
  /** Stops watching, once the stream or websocket is closed. */
  close(): void
}

/** Lifetime of a stream or websocket that was opened without a credential. */
export const ENDLESS: CredentialLifetime = {
  onEnd: () => () => undefined,
  extend: () => undefined,
  close: () => undefined,
}
