import { AppError } from '../gateway/errors.ts'
import type { Viewer } from './viewer.ts'

/** How long revocations are remembered. Longer than any request takes to open a stream. */
const REMEMBERED_MS = 60_000

/** The longest delay of setTimeout: 32 bits of milliseconds. */
const MAX_DELAY = 2 ** 31 - 1

/** The internal events that end a credential, with the message for its owner. */
export const REVOCATIONS: Readonly<Record<string, string>> = {
  'user.disabled': 'This account has been disabled.',
  'user.deleted': 'This account has been deleted.',
  'user.updated': 'The role of this account has changed. Sign in again.',
  'session.revoked': 'This session has ended.',
  'apiKey.revoked': 'This API key has been revoked.',
}

/** The part of the event log that the watch needs. */
interface RevocationSource {
  onBatch(listener: (events: readonly { type: string; subjectId: string }[]) => void): () => void
}

export type CredentialWatch = ReturnType<typeof createCredentialWatch>

/**
 * Ends whatever stays open (streams, websockets) when the credential behind it expires or is
 * revoked, on any server.
 */
export function createCredentialWatch(log: RevocationSource) {
  const bySubject = new Map<string, Set<WatchedCredential>>()
  const recent = new Map<string, { message: string; at: number }>()

  const stop = log.onBatch((events) => {
    for (const { type, subjectId } of events) {
      const message = REVOCATIONS[type]
      if (message === undefined) continue
      for (const lifetime of [...(bySubject.get(subjectId) ?? [])]) lifetime.end(message)
      remember(subjectId, message)
    }
  })

  function remember(subject: string, message: string): void {
    const at = performance.now()
    recent.delete(subject)
    recent.set(subject, { message, at })
    for (const [oldest, { at: then }] of recent) {
      if (at - then < REMEMBERED_MS) break
      recent.delete(oldest)
    }
  }

  function register(subjects: readonly string[], lifetime: WatchedCredential): void {
    for (const subject of subjects) bySubject.set(subject, (bySubject.get(subject) ?? new Set()).add(lifetime))
  }

  function unregister(subjects: readonly string[], lifetime: WatchedCredential): void {
    for (const subject of subjects) {
      const watched = bySubject.get(subject)
      watched?.delete(lifetime)
      if (watched?.size === 0) bySubject.delete(subject)
    }
  }

  return {
    /**
     * Starts watching. `since` is when the authenticated request arrived, by `performance.now()`.
     */
    open({ id, credential }: Viewer, since: number): WatchedCredential {
      const subjects = [id, ...(credential.kind === 'external' ? [] : [credential.id])]
      const lifetime = new WatchedCredential(credential.expiresAt, () => unregister(subjects, lifetime))
      register(subjects, lifetime)
      // A revocation between authentication and now would otherwise be missed.
      for (const subject of subjects) {
        const revocation = recent.get(subject)
        if (revocation && revocation.at > since) lifetime.end(revocation.message)
      }
      return lifetime
    },
    /** Number of watched subjects: users, sessions and API keys. */
    get size() {
      return bySubject.size
    },
    close: stop,
  }
}

/** How long a stream or websocket can stay open with its credential. */
export class WatchedCredential {
  readonly #unregister: () => void
  readonly #listeners = new Set<(reason: AppError) => void>()
  #timer: NodeJS.Timeout | undefined
  #reason: AppError | undefined

  constructor(expiresAt: number | null, unregister: () => void) {
    this.#unregister = unregister
    this.extend(expiresAt)
  }

  /** Moves the end, in milliseconds since the epoch. Null means that it never expires. */
  extend(expiresAt: number | null): void {
    clearTimeout(this.#timer)
    if (expiresAt === null || this.#reason) return
    const left = expiresAt - Date.now()
    const check = () => (left > MAX_DELAY ? this.extend(expiresAt) : this.end('The access token has expired.'))
    this.#timer = setTimeout(check, Math.min(Math.max(left, 0), MAX_DELAY)).unref()
  }

  /**
   * Calls back once with the reason when it ends, at once if it has ended. Returns a function that
   * stops listening.
   */
  onEnd(listener: (reason: AppError) => void): () => void {
    if (this.#reason) listener(this.#reason)
    else this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  end(message: string): void {
    if (this.#reason) return
    this.#reason = new AppError('UNAUTHENTICATED', message)
    const listeners = [...this.#listeners]
    this.close()
    for (const listener of listeners) listener(this.#reason)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
    this.#unregister()
  }
}
