import type { Viewer } from '../../auth/viewer.ts'
import { hasScope } from '../../request/viewer.ts'
import { typesNamed } from './types.ts'

/** Nouns whose events reveal nothing of members and projects. */
const OF_TASKS = ['task', 'comment', 'attachment']

/**
 * Returns the event types in scope, or undefined for all. Limits an API key without projects:read
 * to events of tasks and what is on them, because others reveal projects and members.
 */
export function typesInScope(
  viewer: Viewer,
  types?: readonly string[] | null,
  tasksOnly = false,
): ReadonlySet<string> | undefined {
  const nouns = tasksOnly ? ['task'] : hasScope(viewer, 'projects:read') ? undefined : OF_TASKS
  const named = types && typesNamed(types)
  if (!nouns) return named ? new Set(named) : undefined
  const allowed = typesNamed(nouns)
  return new Set(named ? named.filter((type) => allowed.includes(type)) : allowed)
}
