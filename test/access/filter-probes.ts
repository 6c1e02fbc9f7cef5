import type { Variables } from './doors.ts'
import { type Hiding, keys, labels, people, projects, tasks } from './hidings.ts'
import type { Persona } from './personas.ts'
import type { Probe } from './probe.ts'
import type { World } from './world.ts'

/** Places where a filter can be nested inside another. */
const WITHIN: Record<string, (filter: Variables) => Variables> = {
  '': (filter) => filter,
  'and.': (filter) => ({ and: [{ priority: { gte: 1 } }, filter] }),
  'or.': (filter) => ({ or: [filter, { priority: { gte: 5 } }] }),
  'not.': (filter) => ({ not: filter }),
}

interface Options {
  /** Defaults to those of each hiding. */
  personas?: readonly Persona[]
  /** What to expect for users and keys, which a filter may name although they are hidden. */
  unnamed: (hiding: Hiding, place: string) => Hiding
}

/** Probes every id of a TaskFilter, at each place. `name` is that of the argument. */
export function probesOfFilter(
  name: string,
  variables: (filter: Variables, asking: World) => Variables,
  { personas, unnamed }: Options,
): Record<string, Probe> {
  const probes = Object.entries(WITHIN).flatMap(([place, wrap]) => {
    const probe = (field: string, hiding: Hiding, filter: (id: string) => Variables): [string, Probe] => [
      `${name}.${place}${field}`,
      {
        ...hiding,
        personas: personas ?? hiding.personas,
        variables: (id, asking) => variables(wrap(filter(id)), asking),
      },
    ]
    return [
      probe('projectId', projects, (projectId) => ({ projectId })),
      probe('assigneeId', unnamed(people, place), (id) => ({ assigneeId: [id] })),
      probe('creatorId', unnamed(people, place), (id) => ({ creatorId: [id] })),
      probe('labelId.any', labels, (id) => ({ labelId: { any: [id] } })),
      probe('labelId.all', labels, (id) => ({ labelId: { all: [id] } })),
      probe('parentId', tasks, (parentId) => ({ parentId })),
      probe('key', unnamed(keys, place), (key) => ({ key: [key] })),
      probe('key: one of two', unnamed(keys, place), (key) => ({ key: [key, 'NONE-1'] })),
    ]
  })
  return Object.fromEntries(probes)
}
