import type { LoggedEvent } from '../../../src/events/log.ts'
import type { Member } from '../world.ts'

/** What a subscriber asks for, and may see. */
export interface Spec {
  name: string
  field: 'events' | 'taskEvents'
  viewer: Member
  /** The projects whose events it is to have; undefined: all. */
  projectIds: readonly string[] | undefined
  /** Asked for with the argument of this name. */
  projectId?: string
  status?: string
  /** Whether it asks for the task as it is now. */
  task?: boolean
}

/** What a subscriber is told of an event, or is to be told. */
export interface Told {
  position: number
  taskId: string | null
  version: number
  match: string | null
  /** Of the task as it was when the event was told. */
  taskVersion?: number | undefined
}

/** What the log has for a subscriber behind a position, in its order. Works out the filter by itself. */
export function expectedOf(spec: Spec, log: readonly LoggedEvent[], start: bigint): Told[] {
  const statuses = new Map<string, string>()
  return log.flatMap(({ position, type, projectId, subjectId, version, changes }): Told[] => {
    const isTask = type.startsWith('task.')
    const before = statuses.get(subjectId)
    const after = String(changes.status?.to ?? before)
    if (isTask) statuses.set(subjectId, after)
    if (position <= start || projectId === null) return []
    if (spec.projectIds && !spec.projectIds.includes(projectId)) return []
    if (spec.field === 'taskEvents' && !isTask) return []
    const told = { position: Number(position), taskId: isTask ? subjectId : null, version, match: null }
    if (spec.status === undefined) return [told]
    const came = ['task.created', 'task.restored'].includes(type) || changes.projectId !== undefined
    const went = ['task.deleted', 'task.removed'].includes(type)
    const match = matchOf(!came && before === spec.status, !went && after === spec.status)
    return match ? [{ ...told, match }] : []
  })
}

function matchOf(before: boolean, after: boolean): string | undefined {
  if (before) return after ? 'STAYED' : 'LEFT'
  return after ? 'ENTERED' : undefined
}
