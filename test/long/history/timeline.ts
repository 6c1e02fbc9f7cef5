import type { LoggedEvent } from '../../../src/events/log.ts'
import type { TaskCall } from './record.ts'

/** A version of a task, as the log has it, and when it can have come into being. */
export interface Version {
  version: number
  title: string
  projectId: string
  deleted: boolean
  /** It was not there before. */
  start: number
  /** It was there from then on. */
  end: number
}

const KINDS: Readonly<Record<string, TaskCall['kind']>> = {
  'task.created': 'create',
  'task.deleted': 'delete',
  'task.restored': 'restore',
}

/** Checks for an event that makes a version of a task. Of a move, logged in both projects, the second does. */
const makesVersion = ({ type }: Pick<LoggedEvent, 'type'>) => /^task\.(created|updated|deleted|restored)$/.test(type)

/** Returns the versions of each task in the log, with the times of the calls that made them. */
export function readTimelines(
  log: readonly LoggedEvent[],
  calls: ReadonlyMap<string, readonly TaskCall[]>,
): Map<string, Version[]> {
  const timelines = new Map<string, Version[]>()
  for (const event of log) {
    if (!makesVersion(event)) continue
    const { subjectId, version, changes, type } = event
    const timeline = timelines.get(subjectId) ?? []
    timelines.set(subjectId, timeline)
    const last = timeline.at(-1)
    const title = typeof changes.title?.to === 'string' ? changes.title.to : undefined
    timeline.push({
      version,
      title: title ?? last?.title ?? '',
      projectId: event.projectId ?? '',
      deleted: type === 'task.deleted',
      ...timesOf(event, title, calls.get(subjectId) ?? []),
    })
  }
  return timelines
}

/** Returns when the change of an event can have happened: during a call that can have made it. */
function timesOf(
  { type, version, projectId }: LoggedEvent,
  title: string | undefined,
  calls: readonly TaskCall[],
): { start: number; end: number } {
  const kind = KINDS[type]
  const candidates = calls.filter((call) => {
    if (call.kind === 'read' || (call.outcome !== 'ok' && call.outcome !== 'unknown')) return false
    if (call.answer && call.answer.version !== version) return false
    if (title !== undefined) return call.title === title
    if (kind !== undefined) return call.kind === kind
    return call.kind === 'move' && call.projectId === projectId
  })
  const start = Math.min(...candidates.map((call) => call.start))
  // Whoever was told of the version was told after it had come into being.
  const told = candidates.filter(({ answer }) => answer !== undefined).map(({ end }) => end)
  const end = told.length > 0 ? Math.min(...told) : Math.max(...candidates.map((call) => call.end))
  return { start, end }
}

/**
 * Returns the calls by task. A task that was created without an answer is found by its title in the
 * log. All attempts to create a task with one Idempotency-Key are one call.
 */
export function callsByTask(calls: readonly TaskCall[], log: readonly LoggedEvent[]): Map<string, TaskCall[]> {
  const created = new Map(
    log.filter(({ type }) => type === 'task.created').map((event) => [event.changes.title?.to, event.subjectId]),
  )
  const byTask = new Map<string, TaskCall[]>()
  for (const call of withOneCreation(calls)) {
    const id = call.taskId ?? created.get(call.title)
    if (id === undefined) continue
    const own = byTask.get(id) ?? []
    own.push(call)
    byTask.set(id, own)
  }
  return byTask
}

function withOneCreation(calls: readonly TaskCall[]): TaskCall[] {
  const creations = new Map<string | undefined, TaskCall>()
  const others: TaskCall[] = []
  for (const call of calls) {
    const first = creations.get(call.title)
    if (call.kind !== 'create') others.push(call)
    else if (!first) creations.set(call.title, { ...call })
    else {
      if (first.outcome === 'unknown')
        Object.assign(first, { outcome: call.outcome, taskId: call.taskId, answer: call.answer })
      first.start = Math.min(first.start, call.start)
      first.end = Math.min(first.end, call.end)
    }
  }
  return [...creations.values(), ...others]
}
