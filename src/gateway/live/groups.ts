import type { GatewayContext } from '../context.ts'
import type { Outcome } from './outcome.ts'

/** Streams to which an event is the same: of one operation, with the same variables, opened by those who may see the same of it. */
export interface Group {
  /** By event: sources hand the same object to all. */
  readonly outcomes: WeakMap<object, SharedOutcome | Promise<SharedOutcome>>
}

export interface SharedOutcome {
  outcome: Outcome
  /** Whether it is the outcome of another member, too. */
  suits(context: GatewayContext): boolean
}

export type Groups = ReturnType<typeof createGroups>

export function createGroups() {
  const groups = new Map<string, Group & { members: number }>()
  return {
    /** Groups that have a member. */
    get size() {
      return groups.size
    },
    /** The group of this key, made by its first member and dropped with its last. */
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

/** What the event comes to: worked out once for the group, and again by each member whom the first outcome does not suit. */
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
