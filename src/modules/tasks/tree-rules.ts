import type { Issue } from '../../gateway/errors.ts'

/**
 * Messages by the name of the database constraint that repeats the check, in case requests race.
 */
const TREE_RULES = {
  'no cycle': 'would make the task its own ancestor',
  depth: 'is too deep: sub-tasks can be nested at most 10 levels',
  'same project': 'is a task of another project',
} as const

export type TreeRule = keyof typeof TREE_RULES

export const MAX_ANCESTORS = 10

export const isTreeRule = (name: string): name is TreeRule => Object.hasOwn(TREE_RULES, name)

export function treeIssue(rule: TreeRule): Issue {
  return { path: ['parentId'], code: rule.replaceAll(' ', '_'), message: TREE_RULES[rule] }
}

/** The tree of sub-tasks as it will be once the tasks checked so far are written. */
export class TaskTree {
  /** Parents of the new parents and of all their ancestors. */
  readonly #parents: Map<string, string | null>
  /** Levels of sub-tasks below a task. */
  readonly #heights: Map<string, number>

  constructor(parents: ReadonlyMap<string, string | null>, heights: ReadonlyMap<string, number>) {
    this.#parents = new Map(parents)
    this.#heights = new Map(heights)
  }

  /** Returns the rule that putting the task below this parent would break. */
  brokenRule(parentId: string, taskId: string | undefined): TreeRule | undefined {
    let ancestors = 0
    let one: string | null | undefined = parentId
    for (; one && ancestors <= MAX_ANCESTORS; one = this.#parents.get(one)) {
      if (one === taskId) return 'no cycle'
      ancestors++
    }
    return ancestors + (this.#heights.get(taskId ?? '') ?? 0) > MAX_ANCESTORS ? 'depth' : undefined
  }

  /** Puts the task below this parent, and raises the heights of its new ancestors. */
  move(taskId: string, parentId: string | null): void {
    this.#parents.set(taskId, parentId)
    let height = this.#heights.get(taskId) ?? 0
    for (let one: string | null | undefined = parentId; one; one = this.#parents.get(one)) {
      height++
      this.#heights.set(one, Math.max(this.#heights.get(one) ?? 0, height))
    }
  }
}
