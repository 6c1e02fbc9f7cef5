import type { GatewayContext } from '../gateway-context.ts'
import type { Outcome } from './outcome.ts'

/** Streams with the same result for any event: same operation, same variables, same access. */
export interface Group {
  /** Outcomes by event. Sources pass the same object to every stream. */
  readonly outcomes: WeakMap<object, SharedOutcome | Promise<SharedOutcome>>
}

export interface SharedOutcome {
  outcome: Outcome
  /** Returns true if this member would have had the same outcome. */
  suits(context: GatewayContext): boolean
}

export type Groups = ReturnType<typeof createGroups>

export function createGroups() {
  const groups = new Map<string, Group & { members: number }>()
  return {
    /** Number of groups with members. */
    get size() {
      return groups.size
    },
    /**
     * Joins the group of this key. The first member creates it, and it is dropped with the last.
     */
    join(key: string): { group: Group; leave: () => void } {
      const group = groups.get(key) ?? { members: 0, outcomes: new WeakMap() }
      groups.set(key, group)
      group.members++
      let left = false
      const leave = () => {
        if (left) return
        left = true
        group.members--
        if (group.members === 0) groups.delete(key)
      }
      return { group, leave }
    },
  }
}

/**
 * Returns the outcome of an event: computed once for the group, and again for each member that
 * would have had another.
 */
export function shareOutcome(
  { outcomes }: Group,
  event: unknown,
  context: GatewayContext,
  run: { shared: () => Promise<SharedOutcome>; own: () => Promise<Outcome> },
): Outcome | Promise<Outcome> {
  if (typeof event !== 'object' || event === null) return run.own()
  const known = outcomes.get(event)
  const adopt = ({ outcome, suits }: SharedOutcome) => (suits(context) ? outcome : run.own())
  if (known !== undefined) return known instanceof Promise ? known.then(adopt) : adopt(known)
  const first = run.shared()
  outcomes.set(event, first)
  return first.then((shared) => {
    outcomes.set(event, shared)
    return shared.outcome
  })
}
