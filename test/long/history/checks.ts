import type { LoggedEvent } from '../../../src/events/log.ts'
import { checkLinearizable } from './linearizable.ts'
import type { History, ListCall, MembershipCall, TaskCall } from './record.ts'
import { callsByTask, readTimelines, type Version } from './timeline.ts'

/** Another server may show a removed member something for so long. */
const REVOCATION_MS = 1_000

/** Returns what is wrong with a history and the log in the end, each as a sentence. */
export function checkHistory(history: History, log: readonly LoggedEvent[]): string[] {
  const calls = callsByTask(history.tasks, log)
  const timelines = readTimelines(log, calls)
  return [
    ...checkTasks(calls),
    ...checkCreations(history.tasks, log),
    ...checkWrites(calls, timelines),
    ...checkOrder(log, timelines),
    ...checkLists(history.lists, timelines),
    ...checkAccess(history, timelines),
  ]
}

function checkTasks(calls: ReadonlyMap<string, readonly TaskCall[]>): string[] {
  return [...calls].flatMap(([id, own]) => {
    const problem = checkLinearizable(own)
    return problem ? [`task ${id}: ${problem}`] : []
  })
}

/** Each title was sent with one Idempotency-Key, however often: it may make one task. */
function checkCreations(calls: readonly TaskCall[], log: readonly LoggedEvent[]): string[] {
  const made = Map.groupBy(
    log.filter(({ type }) => type === 'task.created'),
    ({ changes }) => String(changes.title?.to),
  )
  const sent = Map.groupBy(
    calls.filter(({ kind }) => kind === 'create'),
    ({ title }) => title ?? '',
  )
  const problems: string[] = []
  for (const [title, events] of made) {
    if (events.length > 1) problems.push(`the Idempotency-Key of "${title}" made ${events.length} tasks`)
    if (!sent.has(title)) problems.push(`nobody created "${title}", which is in the log`)
  }
  for (const [title, own] of sent) {
    const ids = new Set(own.flatMap(({ outcome, taskId }) => (outcome === 'ok' ? [taskId] : [])))
    if (ids.size > 1) problems.push(`the Idempotency-Key of "${title}" was answered with ${ids.size} tasks`)
  }
  return problems
}

/** Every write that was acknowledged is in the log, and everything in the log was asked for. */
function checkWrites(
  calls: ReadonlyMap<string, readonly TaskCall[]>,
  timelines: ReadonlyMap<string, readonly Version[]>,
): string[] {
  const problems: string[] = []
  for (const [id, own] of calls) {
    const versions = timelines.get(id) ?? []
    for (const { kind, outcome, answer, title } of own) {
      if (kind === 'read' || outcome !== 'ok' || !answer) continue
      const logged = versions.find(({ version }) => version === answer.version)
      const isThere = logged && (title === undefined || logged.title === title)
      if (!isThere) problems.push(`task ${id}: the acknowledged ${kind} to version ${answer.version} is lost`)
    }
    const acknowledged = own.filter(({ kind, outcome }) => kind === 'delete' && outcome === 'ok').length
    const deleted = versions.filter((one) => one.deleted).length
    if (deleted < acknowledged) problems.push(`task ${id}: ${acknowledged - deleted} acknowledged deletions are lost`)
  }
  for (const [id, versions] of timelines) {
    for (const { version, start } of versions)
      if (start === Number.POSITIVE_INFINITY) problems.push(`task ${id}: nobody asked for version ${version}`)
  }
  return problems
}

/** The log has no gap, and the versions of each task rise by one. */
function checkOrder(log: readonly LoggedEvent[], timelines: ReadonlyMap<string, readonly Version[]>): string[] {
  const gaps = log.filter(({ position }, index) => index > 0 && position !== (log[index - 1]?.position ?? 0n) + 1n)
  const problems = gaps.map(({ position }) => `the log has a gap before position ${position}`)
  for (const [id, versions] of timelines) {
    const wrong = versions.find(({ version }, index) => version !== index + 1)
    if (wrong) problems.push(`task ${id}: version ${wrong.version} is at the wrong place in the log`)
  }
  return problems
}

interface Interval {
  from: number
  to: number
}

function checkLists(lists: readonly ListCall[], timelines: ReadonlyMap<string, readonly Version[]>): string[] {
  const byProject = new Map<string, Map<string, readonly Version[]>>()
  for (const [id, versions] of timelines) {
    for (const { projectId } of versions) {
      byProject.set(projectId, (byProject.get(projectId) ?? new Map()).set(id, versions))
    }
  }
  return lists.flatMap((list) => checkList(list, byProject.get(list.projectId) ?? new Map()))
}

/** Says what is wrong with a list unless it shows its project at one moment during the call. */
function checkList(list: ListCall, timelines: ReadonlyMap<string, readonly Version[]>): string[] {
  const name = `the list from ${Math.round(list.start)} to ${Math.round(list.end)} ms`
  for (const [id, seen] of list.tasks) {
    const version = timelines.get(id)?.[seen.version - 1]
    const isSame = version?.title === seen.title && version.projectId === list.projectId && !version.deleted
    if (!isSame) return [`${name} has task ${id} at version ${seen.version}, which never was like this`]
  }
  const allowed = [...timelines].map(([id, versions]) =>
    momentsOf(versions, list.tasks.get(id)?.version, list.projectId),
  )
  const moments = [list.start, ...allowed.flatMap((own) => own.map(({ from }) => from))]
  const found = moments.some(
    (moment) =>
      moment >= list.start &&
      moment <= list.end &&
      allowed.every((own) => own.some(({ from, to }) => from <= moment && moment <= to)),
  )
  return found ? [] : [`${name} with ${list.tasks.size} tasks shows its project as it never was`]
}

/** Returns when a list could show this version of a task, or none if undefined. */
function momentsOf(versions: readonly Version[], seen: number | undefined, projectId: string): Interval[] {
  const until = (index: number) => versions[index]?.end ?? Number.POSITIVE_INFINITY
  const intervals: Interval[] = seen === undefined ? [{ from: Number.NEGATIVE_INFINITY, to: until(0) }] : []
  for (const [index, one] of versions.entries()) {
    const isShown = one.projectId === projectId && !one.deleted
    if (seen === undefined ? !isShown : one.version === seen) intervals.push({ from: one.start, to: until(index + 1) })
  }
  return intervals
}

/** A second after a removal, the member is shown neither the project nor what was written since. */
function checkAccess(history: History, timelines: ReadonlyMap<string, readonly Version[]>): string[] {
  const { memberships, accesses, seen } = history
  const problems: string[] = []
  for (const { memberId, projectId, from, to } of absences(memberships)) {
    const isOwn = (one: { memberId: string; projectId: string }) =>
      one.memberId === memberId && one.projectId === projectId
    const shown = accesses.find((one) => isOwn(one) && one.start >= from && one.end <= to)
    if (shown)
      problems.push(`a member who was removed before ${Math.round(from)} ms was answered at ${Math.round(shown.end)}`)
    const streamed = seen.find((event) => {
      const written = timelines.get(event.taskId)?.[event.version - 1]
      return isOwn(event) && event.at <= to && written !== undefined && written.start >= from
    })
    if (streamed)
      problems.push(
        `a member who was removed before ${Math.round(from)} ms got an event of version ${streamed.version}`,
      )
  }
  return problems
}

/** Returns when members were certainly not in a project. */
function absences(calls: readonly MembershipCall[]): (Interval & { memberId: string; projectId: string })[] {
  return calls.flatMap(({ kind, memberId, projectId, start, end }) => {
    if (kind === 'add' || end === Number.POSITIVE_INFINITY) return []
    const added = calls.filter(
      (one) => one.kind === 'add' && one.memberId === memberId && one.projectId === projectId && one.end > start,
    )
    const to = Math.min(...added.map((one) => one.start))
    return [{ memberId, projectId, from: end + REVOCATION_MS, to }]
  })
}
