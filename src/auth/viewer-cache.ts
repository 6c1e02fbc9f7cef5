import { LRUCache } from 'lru-cache'
import { REVOCATIONS } from './credential-watch.ts'
import type { Viewer } from './viewer.ts'

/** Maximum number of credentials whose viewers are kept. One takes about 1 KB. */
const MAX_VIEWERS = 20_000

/**
 * Bounds how long a change that is not logged, such as a session deleted by hand, goes unnoticed.
 */
const MAX_AGE_MS = 60_000

/**
 * Events that change who a credential belongs to, or what its owner may do: the end of the
 * credential, new scopes or a new expiry, a deleted Inbox.
 */
const CHANGES = new Set([...Object.keys(REVOCATIONS), 'apiKey.updated', 'project.deleted'])

/** The part of the event log that the cache needs. */
interface ChangeSource {
  /** True while the listeners know of everything that was committed until a moment ago. */
  readonly current: boolean
  onBatch(listener: (events: readonly { type: string; subjectId: string }[]) => void): () => void
  /** Calls back when changes that the listeners heard of were lost. */
  onRewind(listener: () => void): void
}

/** A viewer and until when its session or key is valid, in milliseconds since the epoch. */
export interface CachedViewer {
  viewer: Viewer
  endsAt: number
}

export type ViewerCache = ReturnType<typeof createViewerCache>

/**
 * Keeps the viewers of recent credentials, so that authentication needs no statement. The event
 * log removes whoever changes; while the log is not followed, nothing cached counts.
 */
export function createViewerCache(log: ChangeSource) {
  const byCredential = new LRUCache<string, CachedViewer>({
    max: MAX_VIEWERS,
    ttl: MAX_AGE_MS,
    dispose: ({ viewer }, key) => {
      for (const subject of subjectsOf(viewer)) unregister(subject, key)
    },
  })
  /** Credentials by the ids of what they depend on: user, session, API key, Inbox. */
  const bySubject = new Map<string, Set<string>>()
  let changes = 0

  log.onBatch((events) => {
    for (const { type, subjectId } of events) {
      if (!CHANGES.has(type)) continue
      changes++
      for (const key of [...(bySubject.get(subjectId) ?? [])]) byCredential.delete(key)
    }
  })

  log.onRewind(() => {
    changes++
    byCredential.clear()
  })

  function unregister(subject: string, key: string): void {
    const keys = bySubject.get(subject)
    keys?.delete(key)
    if (keys?.size === 0) bySubject.delete(subject)
  }

  return {
    /** Returns the viewer of a credential, from the cache or from `find`. */
    async get(key: string, find: () => Promise<CachedViewer | null>): Promise<CachedViewer | null> {
      const cached = log.current ? byCredential.get(key) : undefined
      // A session that was used meanwhile may end later than it did then.
      if (cached && cached.endsAt > Date.now()) return cached
      const before = changes
      const found = await find()
      // A change that was logged meanwhile may be missing in what was found.
      if (!found || changes !== before) return found
      byCredential.set(key, found)
      for (const subject of subjectsOf(found.viewer)) {
        bySubject.set(subject, (bySubject.get(subject) ?? new Set()).add(key))
      }
      return found
    },
  }
}

function subjectsOf({ id, inboxId, credential }: Viewer): string[] {
  return [id, ...(inboxId === null ? [] : [inboxId]), ...(credential.kind === 'external' ? [] : [credential.id])]
}
