import type { CompiledRead } from './compile.ts'

/** Runs a statement whose rows have one column, and returns that column. */
export type RunText = (text: string, values: readonly unknown[]) => Promise<string[]>

/** Maximum number of reads in one statement. */
const MAX_BATCH = 200

interface Waiting {
  read: CompiledRead
  resolve: (row: string | undefined) => void
  reject: (error: unknown) => void
}

/**
 * Runs reads of at most one row. Those of one form that arrive in the same turn of the event loop,
 * from any request, become one statement. A read sees everything committed before it was called.
 */
export function createBatches(run: RunText) {
  const waiting = new Map<string, Waiting[]>()
  const batched = new Map<string, string>()

  function flush(): void {
    const groups = [...waiting]
    waiting.clear()
    for (const [text, reads] of groups) {
      for (let start = 0; start < reads.length; start += MAX_BATCH) {
        void runGroup(text, reads.slice(start, start + MAX_BATCH))
      }
    }
  }

  async function runGroup(text: string, reads: readonly Waiting[]): Promise<void> {
    const [first] = reads
    if (reads.length === 1 && first) return runAlone(first)
    try {
      const columns = first?.read.values.map((_, index) => reads.map(({ read }) => read.values[index])) ?? []
      const rows = await run(batchText(text, first?.read.types ?? []), columns)
      const found: (string | undefined)[] = new Array(reads.length)
      for (const row of rows) {
        // The number of the read stands in front of its row.
        const end = row.indexOf(' ')
        found[Number(row.slice(0, end)) - 1] = row.slice(end + 1)
      }
      for (const [index, { resolve }] of reads.entries()) resolve(found[index])
    } catch (error) {
      // A value of one read may be at fault: the others must not fail with it.
      if (isAboutValue(error)) await Promise.all(reads.map(runAlone))
      else for (const { reject } of reads) reject(error)
    }
  }

  async function runAlone({ read, resolve, reject }: Waiting): Promise<void> {
    try {
      resolve((await run(read.text, read.values))[0])
    } catch (error) {
      reject(error)
    }
  }

  function batchText(text: string, types: readonly string[]): string {
    const made = batched.get(text)
    if (made) return made
    const arrays = types.map((type, index) => `$${index + 1}::${type}[]`)
    const names = types.map((_, index) => `p${index + 1}`)
    const one = text.replace(/\$(\d+)::/g, (_, number: string) => `asked.p${number}::`)
    const all = `SELECT asked.n || ' ' || found."row" AS "row"
      FROM unnest(${arrays.join(', ')}) WITH ORDINALITY AS asked(${names.join(', ')}, n)
      CROSS JOIN LATERAL (${one}) AS found`
    if (batched.size >= MAX_TEXTS) batched.clear()
    batched.set(text, all)
    return all
  }

  return (read: CompiledRead): Promise<string | undefined> => {
    if (read.values.length === 0 || read.types.some((type) => type.endsWith('[]'))) {
      return run(read.text, read.values).then(([row]) => row)
    }
    return new Promise((resolve, reject) => {
      const group = waiting.get(read.text)
      const one = { read, resolve, reject }
      if (group) return void group.push(one)
      if (waiting.size === 0) setImmediate(flush)
      waiting.set(read.text, [one])
    })
  }
}

/** Maximum number of batch statements kept. */
const MAX_TEXTS = 500

/** Checks for a data exception of PostgreSQL, such as text that is no UUID. */
function isAboutValue(error: unknown): boolean {
  return /^22/.test(String((error as { code?: unknown }).code))
}
