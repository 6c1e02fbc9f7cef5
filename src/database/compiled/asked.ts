/** Parts of a statement for several reads or writes at once: a source "asked" with their values. */

/** Replaces the parameters of a statement for one by columns of the source. */
export const asked = (sql: string) => sql.replace(/\$(\d+)::/g, 'asked.p$1::')

/** Returns the definitions of the columns p1, p2 and so on. */
export const askedColumns = (types: readonly string[]) => types.map((type, index) => `p${index + 1} ${type}`)

/** Returns the values of one as an object with these columns. */
export const askedValues = (values: readonly unknown[]): Record<string, unknown> =>
  Object.fromEntries(values.map((value, index) => [`p${index + 1}`, value]))

/** Splits an answer from the number or id in front of it. */
export function splitAnswer(row: string): [key: string, answer: string] {
  const end = row.indexOf(' ')
  return [row.slice(0, end), row.slice(end + 1)]
}

/** Returns the SQLSTATE of an error of `pg`, or a text that is none. */
export const stateOf = (error: unknown) => String((error as { code?: unknown }).code)
