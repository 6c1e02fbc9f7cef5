import { describe, expect, test } from 'vitest'
import type { LoggedEvent } from '../../src/events/log.ts'
import { findBinaries } from '../long/failover/cluster.ts'
import { checkHistory } from '../long/history/checks.ts'
import { drawHistory } from '../long/history/drawn.ts'
import type { History, TaskCall } from '../long/history/record.ts'
import { recordHistory } from '../long/history/run.ts'
import { onPostgres } from '../support/database.ts'
import { createRandom } from '../support/random.ts'

const DRAWS = 40

type Drawn = ReturnType<typeof drawHistory>

/** Breaks a history as no correct server could, or returns false if it has no place for it. */
type Break = (drawn: { history: History; log: LoggedEvent[] }) => boolean

const answered = ({ outcome, answer }: TaskCall) => outcome === 'ok' && answer !== undefined
/** The last call of its kind that has an answer. */
const lastOf = ({ history }: Drawn, kind: TaskCall['kind']) =>
  history.tasks.findLast((call) => call.kind === kind && answered(call))

const BREAKS: [name: string, finding: RegExp, breakIt: Break][] = [
  [
    'a read that shows an older version',
    /no order explains/,
    (drawn) => {
      const read = lastOf(drawn, 'read')
      if (!read?.answer || read.answer.version < 2) return false
      const { history, log } = drawn
      const written = log.find((event) => event.subjectId === read.taskId && event.version === read.answer?.version)
      const isOwn = ({ taskId, kind, answer }: TaskCall) =>
        taskId === read.taskId && kind !== 'read' && answer?.version === written?.version
      const write = history.tasks.find(isOwn)
      if (!write || write.end > read.start) return false
      read.answer = { ...read.answer, version: 1 }
      return true
    },
  ],
  [
    'an update with an outdated version that succeeds',
    /no order explains/,
    (drawn) => {
      const update = lastOf(drawn, 'update')
      if (!update?.answer) return false
      update.expected = update.answer.version + 5
      return true
    },
  ],
  [
    'an acknowledged update that is not in the log',
    /is lost/,
    (drawn) => {
      const update = lastOf(drawn, 'update')
      const index = drawn.log.findIndex(({ changes }) => changes.title?.to === update?.title)
      if (!update || index < 0) return false
      drawn.log.splice(index, 1)
      return true
    },
  ],
  [
    'an Idempotency-Key that makes two tasks',
    /the Idempotency-Key of/,
    ({ log }) => {
      const created = log.find(({ type }) => type === 'task.created')
      if (!created) return false
      log.push({ ...created, position: BigInt(log.length + 1), subjectId: 'another' })
      return true
    },
  ],
  [
    'an event that is logged twice',
    /at the wrong place in the log/,
    ({ log }) => {
      const updated = log.find(({ type }) => type === 'task.updated')
      if (!updated) return false
      log.push({ ...updated, position: BigInt(log.length + 1) })
      return true
    },
  ],
  [
    'a list that shows two moments',
    /the list from/,
    ({ history, log }) => {
      // Nothing happens so much later: only the present would be right.
      const last = log.findLast(({ type }) => type === 'task.created')
      if (!last) return false
      const states = new Map<string, { version: number; title: string; projectId: string }>()
      const first = log.find(({ subjectId }) => subjectId === last.subjectId)
      const newest = log.findLast(({ subjectId }) => subjectId === last.subjectId)
      if (!first?.projectId || newest === first) return false
      states.set(first.subjectId, { version: 1, title: String(first.changes.title?.to), projectId: first.projectId })
      const end = Math.max(...history.tasks.map((call) => call.end).filter(Number.isFinite))
      const isKnown = history.tasks.every((call) => call.taskId !== first.subjectId || call.outcome !== 'unknown')
      if (!isKnown) return false
      history.lists.push({ start: end + 1, end: end + 2, projectId: first.projectId, tasks: states })
      return true
    },
  ],
  [
    'a member who reads after a removal',
    /a member who was removed/,
    ({ history }) => {
      history.memberships.push({ kind: 'remove', memberId: 'ben', projectId: 'here', start: 0, end: 1 })
      history.accesses.push({ memberId: 'ben', projectId: 'here', start: 1_500, end: 1_501 })
      return true
    },
  ],
  [
    'a member who gets an event of after the removal',
    /a member who was removed .* got an event/,
    ({ history, log }) => {
      const { subjectId } = log.find(({ type }) => type === 'task.created') ?? {}
      const created = history.tasks.find(({ kind, taskId }) => kind === 'create' && taskId === subjectId)
      if (subjectId === undefined || !created) return false
      history.memberships.push({ kind: 'remove', memberId: 'ben', projectId: 'here', start: -2_000, end: -1_999 })
      history.seen.push({ memberId: 'ben', projectId: 'here', taskId: subjectId, version: 1, at: 500 })
      return true
    },
  ],
]

describe('the checks of histories', () => {
  test('accept what a correct server does', () => {
    for (let seed = 1; seed <= DRAWS; seed++) {
      const { history, log } = drawHistory(createRandom(seed))
      expect(checkHistory(history, log), `seed ${seed}`).toEqual([])
    }
  })

  test.each(BREAKS)('find %s', (_name, finding, breakIt) => {
    let broken = 0
    for (let seed = 1; seed <= DRAWS; seed++) {
      const drawn = drawHistory(createRandom(seed))
      if (!breakIt(drawn)) continue
      broken++
      expect(checkHistory(drawn.history, drawn.log).join('\n'), `seed ${seed}`).toMatch(finding)
    }
    expect(broken).toBeGreaterThan(DRAWS / 8)
  })
})

const binaries = onPostgres ? await findBinaries() : undefined

// A short run of test/long/history.ts.
test.runIf(binaries)(
  'the history of three servers is that of one, whatever fails',
  async () => {
    const faults = ['kill', 'cut', 'failover'] as const
    const report = await recordHistory({ binaries: binaries ?? '', seconds: 10, seed: 1, faults, calmMs: 1_000 })
    expect(report.violations).toEqual([])
    expect(report.calls['update ok']).toBeGreaterThan(20)
    expect(Object.keys(report.faults).length).toBeGreaterThan(0)
  },
  300_000,
)
