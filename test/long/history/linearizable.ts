import type { TaskCall, TaskState } from './record.ts'

/** A task at one moment. */
interface State extends TaskState {
  deleted: boolean
}

/** Checks so many combinations at most. Histories of one task are short. */
const MAX_STEPS = 500_000

/**
 * Says what is wrong with the history of one task, or returns undefined: whether there is an order of
 * its calls that respects their times, and in which each answer is the one that a single task behind
 * a lock would give. A call without an answer may have been carried out at any time after its start,
 * or never. Searches as Wing and Gong (1993) did, and remembers where it has been (Lowe, 2017).
 */
export function checkLinearizable(calls: readonly TaskCall[]): string | undefined {
  const sorted = calls.toSorted((one, other) => one.start - other.start)
  const visited = new Set<string>()
  let steps = 0
  let furthest = 0
  let stuck: TaskCall | undefined

  /** Returns true if the calls that are left have an order. `done` has a bit for each call. */
  function search(done: bigint, state: State | undefined, known: number): boolean {
    if (++steps > MAX_STEPS) throw new TooComplexError()
    const open = sorted.filter((_, index) => (done & (1n << BigInt(index))) === 0n)
    const firstEnd = open.reduce((least, { end }) => Math.min(least, end), Number.POSITIVE_INFINITY)
    if (firstEnd === Number.POSITIVE_INFINITY) return true
    if (known >= furthest) {
      furthest = known
      stuck = open.find(({ end }) => end === firstEnd)
    }
    for (const [index, call] of sorted.entries()) {
      if (call.start > firstEnd) break
      const bit = 1n << BigInt(index)
      if (done & bit) continue
      const next = step(state, call)
      if (next === false) continue
      const key = `${done | bit} ${next?.version} ${next?.title} ${next?.projectId} ${next?.deleted}`
      if (visited.has(key)) continue
      visited.add(key)
      if (search(done | bit, next, call.outcome === 'unknown' ? known : known + 1)) return true
    }
    return false
  }

  try {
    return search(0n, undefined, 0) ? undefined : `no order explains ${stuck ? describe(stuck) : 'the answers'}`
  } catch (error) {
    if (error instanceof TooComplexError) return `its ${calls.length} calls have too many orders to check`
    throw error
  }
}

class TooComplexError extends Error {}

/** Returns the task after a call, or false if the call could not have had its answer. */
function step(state: State | undefined, call: TaskCall): State | undefined | false {
  const { outcome } = call
  if (outcome === 'missing') return state === undefined || state.deleted ? state : false
  if (outcome === 'conflict') {
    if (call.expected === undefined) throw new Error('only a call that requires a version can fail by it')
    return state && state.version !== call.expected ? state : false
  }
  const next = after(state, call)
  if (next === false) return outcome === 'unknown' ? state : false
  const { answer } = call
  if (!answer || !next) return next
  const isSame = answer.version === next.version && answer.title === next.title && answer.projectId === next.projectId
  return isSame ? next : false
}

/** Returns the task after a call that is carried out, or false if it cannot be. */
function after(state: State | undefined, { kind, title, projectId, expected }: TaskCall): State | undefined | false {
  if (kind === 'create') {
    return state ? false : { version: 1, title: title ?? '', projectId: projectId ?? '', deleted: false }
  }
  if (!state || (expected !== undefined && expected !== state.version)) return false
  const version = state.version + 1
  if (kind === 'restore') return state.deleted ? { ...state, version, deleted: false } : state
  if (state.deleted) return false
  if (kind === 'read') return state
  if (kind === 'delete') return { ...state, version, deleted: true }
  if (kind === 'update') return { ...state, version, title: title ?? state.title }
  return projectId === state.projectId ? state : { ...state, version, projectId: projectId ?? state.projectId }
}

function describe({ kind, outcome, expected, answer, start, end }: TaskCall): string {
  const wanted = expected === undefined ? '' : ` of version ${expected}`
  const got = answer ? `version ${answer.version}` : outcome
  return `that ${kind}${wanted} from ${Math.round(start)} to ${Math.round(end)} ms was answered with ${got}`
}
