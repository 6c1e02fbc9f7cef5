import type { Variables } from './doors.ts'
import type { World } from './world.ts'

/** Arguments of an operation in a world, and its expected result where it is allowed. */
export interface Recipe {
  variables?: (world: World) => Variables
  /** Expected id when the result is a single object. */
  is?: (world: World) => string
  /**
   * Exactly what the persona must see of all worlds, when the result is a list or a stream. Events
   * are identified by type and subject.
   */
  sees?: (world: World, all: readonly World[]) => Seen
  /** The mutation leaves no trace in the database. */
  traceless?: true
  /** Returns false if the mutation succeeds for this persona but may not change anything. */
  changes?: (world: World) => boolean
  /** Names of protocols, and paths of REST aliases. Defaults to all. */
  protocols?: readonly string[]
}

export type Seen = { ids: string[] } | SeenEvents

export interface SeenEvents {
  /** Project ids. */
  eventsOf: string[]
  /** Only events of these nouns, or of all. */
  nouns: readonly string[] | undefined
  /** Such as "task.created", or "task" for all task types. Defaults to every type. */
  types?: readonly string[]
  /** Ids of the subjects. Defaults to any subject. */
  subjects?: string[]
}
