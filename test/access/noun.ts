import type { Database } from '../../src/database/client.ts'
import type { Invalid } from './invalid.ts'
import type { Probe } from './probe.ts'
import type { Recipe } from './recipe.ts'
import type { World } from './world.ts'

/** Everything that the tests of access and of parity need to know about a noun. */
export interface Noun {
  /** Rows of the access matrix, in the columns of TABLE in matrix.ts. */
  matrix: string
  /** The request for each row, by its name. */
  recipes: Record<string, Recipe>
  /** Hidden objects for each argument that takes an id. */
  probes: Record<string, Probe>
  /** Invalid input of each operation. */
  invalid: Record<string, readonly Invalid[]>
  /** Adds the noun's rows to new worlds. */
  populate?: (db: Database, worlds: readonly World[]) => Promise<void>
  /** Reads the noun's rows in these worlds, so that tests notice a change. */
  traces?: (db: Database, ids: { userIds: string[]; projectIds: string[] }) => Promise<Traces>
}

export interface Traces {
  rows: readonly object[]
  /** The column that says whose a row is: it has the id of a user, a project or a task. */
  owner: string
}
