import type { LoggedEvent } from '../../../src/events/log.ts'
import { expectedOf, type ReceivedEvent } from './specs.ts'
import type { Subscriber } from './subscribers.ts'
import type { Ledger } from './writers.ts'

/** Every difference as a sentence; empty if there is none. */
export type Differences = string[]

export interface Comparison {
  lost: number
  repeated: number
  outOfOrder: number
  /** Events it should not have received, or with a wrong `match`. */
  wrong: number
}

/** Compares the events a subscriber received with those in the log. */
export function compare(received: readonly ReceivedEvent[], expected: readonly ReceivedEvent[]): Comparison {
  const wanted = new Map(expected.map((event) => [event.position, event]))
  const seen = new Set<number>()
  const versions = new Map<string, number>()
  const found: Comparison = { lost: 0, repeated: 0, outOfOrder: 0, wrong: 0 }
  let newest = 0
  for (const event of received) {
    const { position, taskId, version, match } = event
    if (seen.has(position)) found.repeated++
    else if (position < newest || (taskId && version < (versions.get(taskId) ?? 0))) found.outOfOrder++
    const should = wanted.get(position)
    if (should?.match !== match || should.taskId !== taskId || should.version !== version) found.wrong++
    seen.add(position)
    if (taskId) versions.set(taskId, version)
    newest = Math.max(newest, position)
  }
  found.lost = expected.filter(({ position }) => !seen.has(position)).length
  return found
}

export function checkSubscriber(
  { name, spec, received }: Subscriber,
  log: readonly LoggedEvent[],
  start: bigint,
): Differences {
  const expected = expectedOf(spec, log, start)
  const { lost, repeated, outOfOrder, wrong } = compare(received, expected)
  if (expected.length === 0) return [`${name}: the log has no event for it, so it proves nothing`]
  if (lost + repeated + outOfOrder + wrong === 0) return []
  return [
    `${name}: of ${expected.length} events ${lost} lost, ${repeated} repeated, ${outOfOrder} out of order, ${wrong} wrong`,
  ]
}

/** Checks that positions have no gap and that each task's versions rise by one. */
export function checkLog(log: readonly LoggedEvent[]): Differences {
  const gaps = log.filter(({ position }, index) => position !== BigInt(index + 1)).length
  const versions = new Map<string, number>()
  let steps = 0
  for (const { type, subjectId, version } of log) {
    // A move logs an event in both projects, with the same version.
    if (!type.startsWith('task.') || type === 'task.removed') continue
    if (version !== (versions.get(subjectId) ?? 0) + 1) steps++
    versions.set(subjectId, version)
  }
  return [
    ...(gaps > 0 ? [`the log: ${gaps} events are at the wrong position`] : []),
    ...(steps > 0 ? [`the log: ${steps} versions do not follow the previous one`] : []),
  ]
}

/**
 * Checks that every acknowledged write is in the log, that every event in the log was requested,
 * and that a batch without an answer was committed completely or not at all.
 */
export function checkLedger(ledger: Ledger, log: readonly LoggedEvent[]): Differences {
  const events = log.filter(({ type }) => type.startsWith('task.') && type !== 'task.removed')
  const byVersion = new Map(events.map((event) => [`${event.subjectId}@${event.version}`, event]))
  const missing = [...ledger.acknowledged].filter(([key, mark]) => {
    const event = byVersion.get(key)
    return !event || (mark !== undefined && event.changes.title?.to !== mark)
  })

  const byMark = Map.groupBy(events, ({ changes }) => changes.title?.to)
  const partial = ledger.unknown.filter(({ mark, tasks, rest }) => {
    if (mark === undefined || !rest.path.endsWith('/bulk') || tasks.length > 0) return false
    const made = byMark.get(mark)?.length ?? 0
    return made !== 0 && made !== (rest.body as { items: unknown[] }).items.length
  })

  const marks = new Set(ledger.unknown.flatMap(({ mark }) => mark ?? []))
  const perhaps = new Set(ledger.unknown.flatMap(({ mark, tasks }) => (mark ? [] : tasks.map(({ id }) => id))))
  const deletions = new Map<string, number>()
  const unrequested = events.filter(({ type, subjectId, version, changes }) => {
    if (ledger.acknowledged.has(`${subjectId}@${version}`) || marks.has(String(changes.title?.to))) return false
    if (perhaps.has(subjectId)) return false
    if (type === 'task.deleted') deletions.set(subjectId, (deletions.get(subjectId) ?? 0) + 1)
    return type !== 'task.deleted'
  })
  const wrongDeletions = [...ledger.deleted].filter(
    ([id, count]) => !perhaps.has(id) && (deletions.get(id) ?? 0) !== count,
  ).length
  return [
    ...(missing.length > 0 ? [`${missing.length} acknowledged writes are not in the log: ${missing.slice(0, 3)}`] : []),
    ...(partial.length > 0 ? [`${partial.length} batches were committed in part`] : []),
    ...(unrequested.length > 0
      ? [
          `${unrequested.length} events were not requested: ${unrequested.slice(0, 3).map(({ type, subjectId, version }) => `${type} ${subjectId}@${version}`)}`,
        ]
      : []),
    ...(wrongDeletions > 0 ? [`${wrongDeletions} tasks have a different number of deletions than acknowledged`] : []),
  ]
}
