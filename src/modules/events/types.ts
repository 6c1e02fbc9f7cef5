/** What is logged, by noun. */
const VERBS = {
  task: ['created', 'updated', 'deleted', 'restored', 'removed'],
  project: ['created', 'updated', 'deleted'],
  member: ['added', 'updated', 'removed'],
  label: ['created', 'updated', 'deleted'],
  relation: ['created', 'deleted'],
} as const

export const TASK_EVENTS: string[] = VERBS.task.map((verb) => `task.${verb}`)

const byName = new Map<string, string[]>(
  Object.entries(VERBS).flatMap(([noun, verbs]): [string, string[]][] => {
    const types = verbs.map((verb) => `${noun}.${verb}`)
    return [[noun, types], ...types.map((type): [string, string[]] => [type, [type]])]
  }),
)

/** What a client may name: types, and nouns for all types of theirs. */
export const EVENT_TYPE_NAMES = [...byName.keys()]

/** The types that are named. */
export function typesNamed(names: readonly string[]): string[] {
  return names.flatMap((name) => byName.get(name) ?? [])
}
