import type { Database } from '../../src/database/client.ts'
import type { Invalid } from './invalid.ts'
import type { Probe } from './probe.ts'
import type { Recipe } from './recipe.ts'
import type { World } from './world.ts'

/**
 * Everything that the tests of access and of parity need to know about a noun. Two types do most of
 * the work:
 *
 * A `World` is one persona with the projects and people around it. Each persona has a world of its
 * own and worlds share nothing, so a list must show exactly the rows of the persona's own world;
 * only an ADMIN sees all worlds. `self` is the persona, and most operations act on `projectId`.
 * A noun adds to each world at least one row that the persona may see and one that it may not:
 * in the project `unseen`, or private to `third`. Keep the ids by world, as saved filters do.
 *
 * A `Hiding` describes rows that exist but are hidden from the personas it names. The test asks for
 * each of them and for a random id: status, headers, body and SQL statements must be the same. In
 * `hidden(asking, other)`, `asking` is the world of the persona, and `other` that of another OWNER.
 * List every way in which a row can be close and still hidden. A `Probe` is a hiding with the
 * request, named after the argument that takes the id. hidings.ts has those of projects, tasks and
 * so on, for arguments that refer to another noun.
 */
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
