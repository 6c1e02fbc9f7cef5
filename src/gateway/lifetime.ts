import type { AppError } from './errors.ts'

/**
 * How long what was opened with a credential may stay open: until the credential expires or is taken back. A websocket
 * has one for all its operations, a stream one of its own.
 */
export interface Lifetime {
  /** Calls back once, with the reason, when it ends; at once if it has. Answers the way to stop listening. */
  onEnd(listener: (reason: AppError) => void): () => void
  /** Moves its end, in milliseconds since the epoch; null: it no longer expires. */
  extend(expiresAt: number | null): void
  /** Lets go of it: whatever was opened is closed. */
  close(): void
}

/** Of what was opened without a credential: there is nothing that could end. */
export const ENDLESS: Lifetime = {
  onEnd: () => () => undefined,
  extend: () => undefined,
  close: () => undefined,
}
