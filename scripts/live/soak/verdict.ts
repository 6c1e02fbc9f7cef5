import type { LoggedEvent } from '../../../src/events/log.ts'
import { expectedOf, type Told } from './specs.ts'
import type { Subscriber } from './subscribers.ts'
import type { Ledger } from './writers.ts'

/** What is wrong, in sentences; nothing where nothing is. */
export type Differences = string[]

export interface Comparison {
  lost: number
  repeated: number
  outOfOrder: number
  /** Events it was not to have, or with another match. */
  wrong: number
}

/** Compares what a subscriber was told with what the log has for it. */
export function compare(told: readonly Told[], expected: readonly Told[]): Comparison {
  const wanted = new Map(expected.map((event) => [event.position, event]))
  const seen = new Set<number>()
  const versions = new Map<string, number>()
  const found: Comparison = { lost: 0, repeated: 0, outOfOrder: 0, wrong: 0 }
  let newest = 0
  for (const event of told) {
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
  { name, spec, told }: Subscriber,
  log: readonly LoggedEvent[],
  start: bigint,
): Differences {
  const expected = expectedOf(spec, log, start)
  const { lost, repeated, outOfOrder, wrong } = compare(told, expected)
  if (expected.length === 0) return [`${name}: nothing was for it`]
  if (lost + repeated + outOfOrder + wrong === 0) return []
  return [
    `${name}: of ${expected.length} events ${lost} lost, ${repeated} repeated, ${outOfOrder} out of order, ${wrong} wrong`,
  ]
}

/** The log itself: positions without a gap, and each task's versions in steps of one. */
export function checkLog(log: readonly LoggedEvent[]): Differences {
  const gaps = log.filter(({ position }, index) => position !== BigInt(index + 1)).length
  const versions = new Map<string, number>()
  let steps = 0
  for (const { type, subjectId, version } of log) {
    // A move is told in both projects, with the same version.
    if (!type.startsWith('task.') || type === 'task.removed') continue
    if (version !== (versions.get(subjectId) ?? 0) + 1) steps++
    versions.set(subjectId, version)
  }
  return [
    ...(gaps > 0 ? [`the log: ${gaps} events are not at their place`] : []),
    ...(steps > 0 ? [`the log: ${steps} versions are not the one after the last`] : []),
  ]
}

/** Every acknowledged write is in the log, and all that is in the log was asked for; what has no answer is there as a whole or not at all. */
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
  const strange = events.filter(({ type, subjectId, version, changes }) => {
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
    ...(partial.length > 0 ? [`${partial.length} batches are there in part`] : []),
    ...(strange.length > 0
      ? [
          `${strange.length} events were asked for by nobody: ${strange.slice(0, 3).map(({ type, subjectId, version }) => `${type} ${subjectId}@${version}`)}`,
        ]
      : []),
    ...(wrongDeletions > 0 ? [`${wrongDeletions} tasks were deleted more or less often than acknowledged`] : []),
  ]
}
