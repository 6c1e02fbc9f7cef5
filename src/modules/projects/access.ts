import type { Database } from '../../database/client.ts'
import type { LoggedEvent } from '../../events/log.ts'
import { ALL_TOPICS } from '../../events/subscription.ts'
import type { EventTail } from '../../events/tail.ts'
import type { AccessTracker } from '../../request/context.ts'

interface Watched {
  projects: Set<string>
  watchers: number
  listeners: Set<(projectId: string, added: boolean) => void>
  /** Changes logged while the memberships were being loaded. They override the loaded rows. */
  meanwhile: Map<string, boolean> | undefined
  loaded: Promise<void>
}

/**
 * Creates the tracker. Membership changes are events in the same log as everything else. The tail
 * passes each batch to this listener before any stream gets it, so nothing committed after a
 * removal reaches the removed user.
 */
export function createAccessTracker(db: Database, tail: EventTail): AccessTracker {
  const watched = new Map<string, Watched>()

  tail.onBatch((events) => {
    for (const event of events) apply(event)
  })

  // Who watches now keeps its entry until its stream ends, which is at once.
  tail.onRewind(() => watched.clear())

  function apply({ type, projectId, subjectId }: LoggedEvent): void {
    if (projectId === null || !type.startsWith('member.')) return
    const entry = watched.get(subjectId)
    if (!entry) return
    const member = type !== 'member.removed'
    entry.meanwhile?.set(projectId, member)
    if (member === entry.projects.has(projectId)) return
    if (member) entry.projects.add(projectId)
    else entry.projects.delete(projectId)
    for (const listener of entry.listeners) listener(projectId, member)
  }

  async function load(userId: string, entry: Watched): Promise<void> {
    const memberships = await db.membership.findMany({ where: { userId }, select: { projectId: true } })
    const read = new Map(memberships.map(({ projectId }) => [projectId, true]))
    for (const [projectId, member] of entry.meanwhile ?? []) read.set(projectId, member)
    entry.projects = new Set([...read].filter(([, member]) => member).map(([projectId]) => projectId))
    entry.meanwhile = undefined
  }

  function enter(userId: string): Watched {
    const known = watched.get(userId)
    if (known) return known
    const entry: Watched = {
      projects: new Set(),
      watchers: 0,
      listeners: new Set(),
      meanwhile: new Map(),
      loaded: Promise.resolve(),
    }
    watched.set(userId, entry)
    entry.loaded = load(userId, entry)
    return entry
  }

  return {
    get size() {
      return watched.size
    },
    async watch(viewer) {
      if (viewer.role === 'ADMIN') return { sees: () => true, topics: ALL_TOPICS, release: () => undefined }
      const entry = enter(viewer.id)
      entry.watchers++
      let released = false
      const release = () => {
        if (released) return
        released = true
        entry.watchers--
        if (entry.watchers === 0 && watched.get(viewer.id) === entry) watched.delete(viewer.id)
      }
      try {
        await entry.loaded
      } catch (error) {
        release()
        throw error
      }
      return {
        sees: (projectId) => entry.projects.has(projectId),
        topics: {
          now: () => entry.projects,
          onChange(listener) {
            entry.listeners.add(listener)
            return () => void entry.listeners.delete(listener)
          },
        },
        release,
      }
    },
  }
}
