/** How long a set of names lives, and how long a connection may: so a connection sees at most two sets. */
export const NAMES_LIFETIME_SECONDS = 1800

/** Each named statement costs its backend some 40 KB. */
const MOST_NAMES = 200

/** A text runs this often before it is worth a name: what clients compose once or twice stays out. */
const USES_BEFORE_NAMING = 3

/** Texts being counted; the longest unused are forgotten first. */
const MOST_CANDIDATES = 500

/**
 * In the text of a statement: it gets no name. PostgreSQL plans a named statement once for all values, and so for none: a
 * word that is in every row is then looked for like one that is in three.
 */
export const PLANNED_FOR_ITS_VALUES = '/* planned for its values */'

/**
 * Names for adapter-pg's prepared statements, at most 200 at a time. `pg` never gives a named statement back and refuses a name
 * for a second text, so an evicted name would stay on the server: instead the whole set is dropped now and then, as
 * are the connections that prepared it (pool option `maxLifetimeSeconds`). Answers undefined for a text without a name.
 */
export function createStatementNames(now: () => number = Date.now): (query: { sql: string }) => string | undefined {
  const candidates = new Map<string, number>()
  let names = new Map<string, string>()
  let made = 0
  let expires = now() + NAMES_LIFETIME_SECONDS * 1000

  return ({ sql }) => {
    if (sql.includes(PLANNED_FOR_ITS_VALUES)) return undefined
    if (now() >= expires) {
      names = new Map()
      expires = now() + NAMES_LIFETIME_SECONDS * 1000
    }
    const name = names.get(sql)
    if (name !== undefined || names.size >= MOST_NAMES) return name

    const uses = (candidates.get(sql) ?? 0) + 1
    candidates.delete(sql)
    if (uses < USES_BEFORE_NAMING) {
      candidates.set(sql, uses)
      if (candidates.size > MOST_CANDIDATES) candidates.delete(candidates.keys().next().value ?? '')
      return undefined
    }
    const fresh = `s${++made}`
    names.set(sql, fresh)
    return fresh
  }
}

/**
 * A list of ids made as long as the next power of two by repeating its last, so that IN lists of any length share a
 * few statement texts. The answer to a query is the same.
 */
export function padToPowerOfTwo<T>(values: readonly T[]): T[] {
  const last = values.at(-1)
  if (last === undefined) return []
  const length = 2 ** Math.ceil(Math.log2(values.length))
  return [...values, ...Array<T>(length - values.length).fill(last)]
}
