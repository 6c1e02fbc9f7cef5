import type { LoggedEvent } from '../../../src/events/log.ts'
import type { Member } from '../../support/world.ts'

/** What a subscriber requests and may see. */
export interface Spec {
  name: string
  field: 'events' | 'taskEvents'
  viewer: Member
  /** The projects whose events it must receive; undefined: all. */
  projectIds: readonly string[] | undefined
  /** The `projectId` argument of the subscription. */
  projectId?: string
  status?: string
  /** True to select the current task with each event. */
  task?: boolean
}

/** An event as a subscriber received it, or should have. */
export interface ReceivedEvent {
  position: number
  taskId: string | null
  version: number
  match: string | null
  /** Version of the task at delivery. */
  taskVersion?: number | undefined
}

/**
 * Returns the events of the log after a position that a subscriber must receive, in order. Filters
 * independently of the server.
 */
export function expectedOf(spec: Spec, log: readonly LoggedEvent[], start: bigint): ReceivedEvent[] {
  const statuses = new Map<string, string>()
  return log.flatMap(({ position, type, projectId, subjectId, version, changes }): ReceivedEvent[] => {
    const isTask = type.startsWith('task.')
    const before = statuses.get(subjectId)
    const after = String(changes.status?.to ?? before)
    if (isTask) statuses.set(subjectId, after)
    if (position <= start || projectId === null) return []
    if (spec.projectIds && !spec.projectIds.includes(projectId)) return []
    if (spec.field === 'taskEvents' && !isTask) return []
    const event = { position: Number(position), taskId: isTask ? subjectId : null, version, match: null }
    if (spec.status === undefined) return [event]
    const came = ['task.created', 'task.restored'].includes(type) || changes.projectId !== undefined
    const went = ['task.deleted', 'task.removed'].includes(type)
    const match = matchOf(!came && before === spec.status, !went && after === spec.status)
    return match ? [{ ...event, match }] : []
  })
}

function matchOf(before: boolean, after: boolean): string | undefined {
  if (before) return after ? 'STAYED' : 'LEFT'
  return after ? 'ENTERED' : undefined
}
