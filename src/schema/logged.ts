/**
 * Declares how the rows of a noun are versioned and logged.
 *
 * Each module calls `logged()` once for its table. From the declaration come the table's triggers
 * (tools/logged-triggers.ts prints them for a migration), the event types a client may select,
 * and the test that the database has exactly these triggers.
 */
import type { Prisma } from '../generated/prisma/client.ts'

type Table = Prisma.ModelName
type Column<T extends Table> = Extract<keyof Prisma.TypeMap['model'][T]['payload']['scalars'], string>

/** The past-tense verb of each change. A change without a verb is not logged. */
interface Verbs {
  insert?: string
  update?: string
  delete?: string
  /** Logged in the project that a row leaves when it moves to another. */
  leave?: string
  /** Logged when a row is deleted whose life had ended before. See `ends`. */
  purge?: string
}

interface VersionRules<C> {
  /**
   * Columns whose change raises the version, or false for a table without one.
   * Default: the logged columns.
   */
  versioned?: readonly C[] | false
  /** Columns that never change, besides id and createdAt. */
  fixed?: readonly C[]
  /** Columns that change only when the row moves to another project. */
  fixedInProject?: readonly C[]
}

interface LogRules<C> extends VersionRules<C> {
  /** The columns whose values an event shows. No other value of a row reaches the log. */
  columns: readonly C[]
  /** A nullable time that ends the life of a row, with the verbs for setting and clearing it. */
  ends?: { column: C; set: string; cleared?: string }
  /** Holds the id that events carry as `subjectId`. Default: id. */
  subject?: C
  /** Columns stored with an event, so that filtered streams can match the row as it was then. */
  state?: readonly C[]
}

/** Decides who sees the events. */
type Audience<C> =
  | {
      /** Holds the project whose members see the events. A row without a project is not shown. */
      project: C
    }
  | {
      /** Visible to nobody: the server itself acts on these events. */
      internal: true
    }

/** For a noun whose events need a trigger function of their own, from prisma/functions. */
interface OwnFunction {
  writtenBy: string
}

export type LogDeclaration<T extends Table> = { table: T; verbs?: Verbs } & (
  | (LogRules<Column<T>> & Audience<Column<T>>)
  | OwnFunction
)

/** A declaration with its defaults filled in. */
export interface LoggedNoun {
  noun: string
  table: string
  verbs: Verbs
  /** For example "label.created", each once. */
  types: readonly string[]
  internal: boolean
  rules: (LogRules<string> & { project?: string; subject: string; versioned: readonly string[] | false }) | OwnFunction
}

const DEFAULT_VERBS: Verbs = { insert: 'created', update: 'updated', delete: 'deleted' }

const nouns = new Map<string, LoggedNoun>()

/** Declares a noun. Its name is the first half of its event types: "label" logs "label.created". */
export function logged<T extends Table>(noun: string, declaration: LogDeclaration<T>): void {
  if (nouns.has(noun)) throw new Error(`"${noun}" is declared twice`)
  const { table, verbs = DEFAULT_VERBS } = declaration
  const ends = 'columns' in declaration ? declaration.ends : undefined
  const used = [verbs.insert, verbs.update, verbs.delete, ends?.set, ends?.cleared, verbs.leave, verbs.purge]
  const types = new Set(used.filter((verb) => verb !== undefined).map((verb) => `${noun}.${verb}`))
  const declared: LoggedNoun = {
    noun,
    table,
    verbs,
    types: [...types],
    internal: 'internal' in declaration,
    rules: 'columns' in declaration ? withDefaults(declaration) : { writtenBy: declaration.writtenBy },
  }
  nouns.set(noun, declared)
}

function withDefaults(rules: LogRules<string> & { project?: string }) {
  const { columns, ends, subject = 'id', versioned = [...columns, ...(ends ? [ends.column] : [])] } = rules
  return { ...rules, subject, versioned }
}

/**
 * Returns every declared noun, sorted by name. Call it when a schema or a query is built, not
 * while modules load: later modules are missing until then.
 */
export function loggedNouns(): readonly LoggedNoun[] {
  return [...nouns.values()].sort((a, b) => (a.noun < b.noun ? -1 : 1))
}
