import { asked, askedColumns, askedValues, splitAnswer, stateOf } from './asked.ts'
import type { CompiledRead } from './read.ts'

/**
 * Marks a raw query whose rows have one column of text, named "row", and that may share a statement
 * with others of its text. Its plan must not depend on its values.
 */
export const SHARED_MARKER = '/* may share a statement */'

/** Runs a statement whose rows have one column, and returns that column. */
export type RunText = (text: string, values: readonly unknown[]) => Promise<string[]>

/** Maximum number of reads in one statement. */
const MAX_BATCH = 200

/** The same for reads of many rows, because one process of PostgreSQL reads them all. */
const MAX_PAGES = 8

/** Maximum number of batch statements kept. */
const MAX_TEXTS = 500

type Read = Pick<CompiledRead, 'text' | 'values' | 'types'>

interface Waiting {
  read: Read
  resolve: (rows: string[]) => void
  reject: (error: unknown) => void
}

/**
 * Runs reads of a few rows each. Those of one form that arrive in the same turn of the event loop,
 * from any request, become one statement. A read sees everything committed before it was called.
 */
export function createReadBatches(run: RunText) {
  let waiting = new Map<string, Waiting[]>()
  const texts = new Map<string, string>()

  function flush(): void {
    const groups = waiting
    // Not `clear`: the entries of a map that is cleared again and again stay in memory until the
    // next full garbage collection.
    waiting = new Map()
    for (const [text, reads] of groups) {
      const size = text.startsWith(SHARED_MARKER) ? MAX_PAGES : MAX_BATCH
      for (let start = 0; start < reads.length; start += size) void runGroup(text, reads.slice(start, start + size))
    }
  }

  async function runGroup(text: string, reads: readonly Waiting[]): Promise<void> {
    const [first] = reads
    if (reads.length === 1 && first) return runAlone(first)
    try {
      const { types } = first?.read ?? { types: [] }
      const found: string[][] = reads.map(() => [])
      for (const row of await run(batchText(text, types), sourceValues(types, reads))) {
        // The number of the read stands in front of its row.
        const [number, answer] = splitAnswer(row)
        found[Number(number) - 1]?.push(answer)
      }
      for (const [index, { resolve }] of reads.entries()) resolve(found[index] ?? [])
    } catch (error) {
      // A value of one read may be at fault: the others must not fail with it.
      if (isAboutValue(error)) await Promise.all(reads.map(runAlone))
      else for (const { reject } of reads) reject(error)
    }
  }

  async function runAlone({ read, resolve, reject }: Waiting): Promise<void> {
    try {
      resolve(await run(read.text, read.values))
    } catch (error) {
      reject(error)
    }
  }

  function batchText(text: string, types: readonly string[]): string {
    const made = texts.get(text)
    if (made) return made
    const all = `SELECT asked.n || ' ' || found."row" AS "row" FROM ${source(types)} CROSS JOIN LATERAL (${asked(text)}) AS found`
    if (texts.size >= MAX_TEXTS) texts.clear()
    texts.set(text, all)
    return all
  }

  return (read: Read): Promise<string[]> => {
    if (read.values.length === 0) return run(read.text, read.values)
    return new Promise((resolve, reject) => {
      const group = waiting.get(read.text)
      const one = { read, resolve, reject }
      if (group) return void group.push(one)
      if (waiting.size === 0) setImmediate(flush)
      waiting.set(read.text, [one])
    })
  }
}

/** Returns the types to which a raw query casts its values; undefined if it does not cast each. */
export function typesOf({ text, values }: { text: string; values: readonly unknown[] }): string[] | undefined {
  let types = castTypes.get(text)
  if (!types) {
    types = [...text.matchAll(/\$\d+::("\w+"|\w+)(\[\])?/g)].map(([, type, list = '']) => `${type}${list}`)
    if (castTypes.size >= MAX_TEXTS) castTypes.clear()
    castTypes.set(text, types)
  }
  return types.length === values.length ? types : undefined
}

/** The types in raw queries by their text. */
const castTypes = new Map<string, string[]>()

const hasLists = (types: readonly string[]) => types.some((type) => type.endsWith('[]'))

/** Returns SQL for the values of all reads: columns p1, p2 and so on, and the number n. */
function source(types: readonly string[]): string {
  // Arrays of arrays would have to be of one length.
  if (hasLists(types)) return `jsonb_to_recordset($1::jsonb) AS asked(${askedColumns(types).join(', ')}, n integer)`
  const names = types.map((_, index) => `p${index + 1}`)
  const arrays = types.map((type, index) => `$${index + 1}::${type}[]`)
  return `unnest(${arrays.join(', ')}) WITH ORDINALITY AS asked(${names.join(', ')}, n)`
}

function sourceValues(types: readonly string[], reads: readonly Waiting[]): unknown[] {
  if (!hasLists(types)) return types.map((_, index) => reads.map(({ read }) => read.values[index]))
  return [JSON.stringify(reads.map(({ read }, index) => ({ ...askedValues(read.values), n: index + 1 })))]
}

/** Checks for a data exception of PostgreSQL, such as text that is no UUID. */
function isAboutValue(error: unknown): boolean {
  return /^22/.test(stateOf(error))
}
