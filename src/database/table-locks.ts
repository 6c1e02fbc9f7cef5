import { LRUCache } from 'lru-cache'
import { DatabaseBusyError } from './limits.ts'

/** How long a table counts as locked after statements were last seen to wait for it. */
const REMEMBERED_MS = 1_000

const MAX_TEXTS = 2_000

const TABLE = /\b(?:FROM|JOIN|UPDATE|INTO)\s+(?:"[^"]+"\.)?"([^"]+)"/gi

/** Returns the names of the tables in a statement. */
export function createTableNames(): (text: string) => readonly string[] {
  const known = new LRUCache<string, readonly string[]>({ max: MAX_TEXTS })
  return (text) => {
    const found = known.get(text)
    if (found) return found
    const names = [...new Set([...text.matchAll(TABLE)].map(([, name = '']) => name))]
    known.set(text, names)
    return names
  }
}

/**
 * Remembers which tables are locked as a whole. A statement that needs one is refused at once:
 * waiting would only hold a connection.
 */
export class TableLocks {
  readonly #until = new Map<string, number>()

  /** Replaces what is remembered of the tables that statements wait for. */
  saw(tables: readonly string[]): void {
    const now = performance.now()
    for (const [table, until] of this.#until) if (until < now) this.#until.delete(table)
    for (const table of tables) this.#until.set(table, now + REMEMBERED_MS)
  }

  /** Throws a DatabaseBusyError if one of these tables is locked. */
  require(tables: readonly string[]): void {
    if (this.#until.size === 0) return
    const now = performance.now()
    if (tables.every((table) => (this.#until.get(table) ?? 0) <= now)) return
    throw new DatabaseBusyError('Maintenance has locked what this request needs.')
  }
}
