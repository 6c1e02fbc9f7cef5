import type { Viewer } from './context.ts'
import type { EventTail } from './events/tail.ts'
import { AppError } from './gateway/errors.ts'
import { ENDLESS, type Lifetime } from './gateway/lifetime.ts'

export type Lifetimes = ReturnType<typeof createLifetimes>

/** Longer than any request takes from its arrival to its stream. */
const REMEMBERED_MS = 60_000

/** setTimeout takes 32 bits of milliseconds; what ends later is looked at again. */
const MAX_DELAY = 2 ** 31 - 1

/** The internal events that end a credential, with the words for its owner. */
const ENDINGS: Record<string, string> = {
  'user.disabled': 'This account has been disabled.',
  'user.deleted': 'This account has been deleted.',
  'user.updated': 'The role of this account has changed: sign in again.',
  'session.revoked': 'This session has been ended.',
  'apiKey.revoked': 'This API key has been revoked.',
}

/** Watches the credentials behind whatever stays open, and ends it when they expire or are taken back, by any server. */
export function createLifetimes(tail: EventTail) {
  const bySubject = new Map<string, Set<CredentialLifetime>>()
  const recent = new Map<string, { words: string; at: number }>()

  const stop = tail.onBatch((events) => {
    for (const { type, subjectId } of events) {
      const words = ENDINGS[type]
      if (words === undefined) continue
      for (const lifetime of [...(bySubject.get(subjectId) ?? [])]) lifetime.end(words)
      remember(subjectId, words)
    }
  })

  function remember(subject: string, words: string): void {
    const at = performance.now()
    recent.delete(subject)
    recent.set(subject, { words, at })
    for (const [oldest, { at: then }] of recent) {
      if (at - then < REMEMBERED_MS) break
      recent.delete(oldest)
    }
  }

  function register(subjects: readonly string[], lifetime: CredentialLifetime): void {
    for (const subject of subjects) bySubject.set(subject, (bySubject.get(subject) ?? new Set()).add(lifetime))
  }

  function forget(subjects: readonly string[], lifetime: CredentialLifetime): void {
    for (const subject of subjects) {
      const watched = bySubject.get(subject)
      watched?.delete(lifetime)
      if (watched?.size === 0) bySubject.delete(subject)
    }
  }

  return {
    /** `since`: when the request arrived that the viewer was recognised for, by `performance.now()`. */
    open(viewer: Viewer | null, since: number): Lifetime {
      if (!viewer) return ENDLESS
      const { credential } = viewer
      const subjects = [viewer.id, ...(credential.kind === 'external' ? [] : [credential.id])]
      const lifetime = new CredentialLifetime(credential.expiresAt, () => forget(subjects, lifetime))
      register(subjects, lifetime)
      // Taken back between the look-up of the credential and now: whoever watched from the start would have heard.
      for (const subject of subjects) {
        const ending = recent.get(subject)
        if (ending && ending.at > since) lifetime.end(ending.words)
      }
      return lifetime
    },
    /** Things open at this moment, counted by subject. */
    get size() {
      return bySubject.size
    },
    close: stop,
  }
}

class CredentialLifetime implements Lifetime {
  readonly #forget: () => void
  readonly #listeners = new Set<(reason: AppError) => void>()
  #timer: NodeJS.Timeout | undefined
  #reason: AppError | undefined

  constructor(expiresAt: number | null, forget: () => void) {
    this.#forget = forget
    this.extend(expiresAt)
  }

  extend(expiresAt: number | null): void {
    clearTimeout(this.#timer)
    if (expiresAt === null || this.#reason) return
    const left = expiresAt - Date.now()
    const look = () => (left > MAX_DELAY ? this.extend(expiresAt) : this.end('The access token has expired.'))
    this.#timer = setTimeout(look, Math.min(Math.max(left, 0), MAX_DELAY)).unref()
  }

  onEnd(listener: (reason: AppError) => void): () => void {
    if (this.#reason) listener(this.#reason)
    else this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  end(words: string): void {
    if (this.#reason) return
    this.#reason = new AppError('UNAUTHENTICATED', words)
    const listeners = [...this.#listeners]
    this.close()
    for (const listener of listeners) listener(this.#reason)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
    this.#forget()
  }
}
