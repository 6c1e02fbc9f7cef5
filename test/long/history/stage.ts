import type { Random } from '../../support/random.ts'

/** The projects and tasks that workers currently use. */
export interface Stage {
  /** True if there are so many tasks that a page might not hold them. */
  readonly isFull: boolean
  /** Makes new projects, and forgets the old ones. Calls at the same time make them once. */
  renew(): Promise<void>
  project(random: Random): string
  add(taskId: string): void
  /** Returns one of the newest tasks, or undefined if all have been used enough. */
  pick(random: Random): string | undefined
}

const PROJECTS = 3
/** A page has at most 100 tasks, and all may be in one project. */
const MAX_TASKS = 90
/** Of so many tasks, so that clients meet. */
const POPULAR = 6
/** No client uses a task more often: its history must stay short enough to check. */
const MAX_USES = 40

export async function openStage(makeProject: () => Promise<string>): Promise<Stage> {
  let projects: string[] = []
  let tasks: string[] = []
  let uses = new Map<string, number>()
  let renewing: Promise<void> | undefined

  async function fill(): Promise<void> {
    const made: string[] = []
    while (made.length < PROJECTS) made.push(await makeProject())
    projects = made
    tasks = []
    uses = new Map()
  }

  await fill()
  return {
    get isFull() {
      return tasks.length >= MAX_TASKS - 10
    },
    renew() {
      renewing ??= fill().finally(() => {
        renewing = undefined
      })
      return renewing
    },
    project: (random) => random.pick(projects),
    add(taskId) {
      if (!tasks.includes(taskId)) tasks.push(taskId)
    },
    pick(random) {
      const fresh = tasks.filter((id) => (uses.get(id) ?? 0) < MAX_USES).slice(-POPULAR)
      if (fresh.length === 0) return undefined
      const id = random.pick(fresh)
      uses.set(id, (uses.get(id) ?? 0) + 1)
      return id
    },
  }
}
