/** Lifetime of a set of names and of a connection. So a connection sees at most two sets. */
export const NAMES_LIFETIME_SECONDS = 1800

/** Each named statement takes about 40 KB in its backend. */
const MAX_NAMES = 200

/** A statement gets a name when it runs this often. One-off statements of clients stay unnamed. */
const USES_BEFORE_NAMING = 3

/** Maximum number of counted statements. The least recently used are dropped first. */
const MAX_CANDIDATES = 500

/**
 * Marks a statement that gets no name. PostgreSQL plans a named statement once for all values. It
 * would then search a word found in every row like a rare one.
 */
export const UNNAMED_MARKER = '/* planned for its values */'

/** Returns the name of a statement, or undefined to leave it unnamed. */
export type StatementNames = (query: { sql: string }) => string | undefined

/**
 * Creates the names of adapter-pg's prepared statements, at most 200 at a time. Returns undefined
 * for a statement without a name.
 *
 * `pg` never deallocates a named statement and rejects a second text for a name, so an evicted name
 * would stay on the server. Instead the whole set expires, together with the connections that
 * prepared it (pool option `maxLifetimeSeconds`).
 */
export function createStatementNames(now: () => number = Date.now): StatementNames {
  const candidates = new Map<string, number>()
  let names = new Map<string, string>()
  let created = 0
  let expires = now() + NAMES_LIFETIME_SECONDS * 1000

  return ({ sql }) => {
    if (sql.includes(UNNAMED_MARKER)) return undefined
    if (now() >= expires) {
      names = new Map()
      expires = now() + NAMES_LIFETIME_SECONDS * 1000
    }
    const name = names.get(sql)
    if (name !== undefined || names.size >= MAX_NAMES) return name

    const uses = (candidates.get(sql) ?? 0) + 1
    candidates.delete(sql)
    if (uses < USES_BEFORE_NAMING) {
      candidates.set(sql, uses)
      if (candidates.size > MAX_CANDIDATES) candidates.delete(candidates.keys().next().value ?? '')
      return undefined
    }
    const fresh = `s${++created}`
    names.set(sql, fresh)
    return fresh
  }
}
