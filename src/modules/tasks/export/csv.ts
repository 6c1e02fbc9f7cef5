/**
 * CSV by RFC 4180. A text that a spreadsheet would run as a formula gets an apostrophe in front,
 * and so does one that begins with apostrophes before such a text: the import takes one away again.
 */
const STARTS = '=+@\\t\\r\\n＝＋－＠-'
const FORMULA = new RegExp(`^'*[${STARTS}]`)
/** A text that is guarded, or looks like it. */
const GUARDED = new RegExp(`^'+[${STARTS}]`)

/** Takes away the apostrophe of a guarded text. */
export const unguarded = (text: string): string => (GUARDED.test(text) ? text.slice(1) : text)

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`

/** Spells a list of names like a line of CSV: a name with a comma or a quote is in quotes. */
export const joinNames = (names: readonly string[]): string =>
  names.map((name) => (/[",]/.test(name) ? quoted(name) : name)).join(',')

/** A list of names as a cell. */
export function namesCell(names: readonly string[]): string {
  if (names.length === 0) return ''
  const text = joinNames(names)
  return quoted(FORMULA.test(text) ? `'${text}` : text)
}

/** Code points that a guarded text can begin with: an apostrophe, and those of STARTS. */
const SUSPECTS = [..."'=+@\t\r\n＝＋－＠-"].map((character) => character.codePointAt(0)).join(', ')

/** SQL for a text as a cell. Always in quotes: that takes less time than to look for a reason. */
export function textCellSql(text: string): string {
  const isFormula = `ascii(${text}) IN (${SUSPECTS}) AND ${text} ~ E'^''*[${STARTS}]'`
  return `'"' || replace(CASE WHEN ${isFormula} THEN '''' || ${text} ELSE ${text} END, '"', '""') || '"'`
}
