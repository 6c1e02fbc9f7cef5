import { SHOWN, type Value } from './columns.ts'

/**
 * CSV by RFC 4180. A text that a spreadsheet would run as a formula gets an apostrophe in front,
 * and so does one that begins with apostrophes before such a text: the import takes one away again.
 */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/

/** A text that `guarded` has changed, or that looks like it. */
const GUARDED = /^'+[=+\-@\t\r\n＝＋－＠]/

const SPECIAL = /[",\r\n]/

export const guarded = (text: string): string => (FORMULA.test(text) ? `'${text}` : text)

export const unguarded = (text: string): string => (GUARDED.test(text) ? text.slice(1) : text)

const quoted = (text: string): string => (SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Spells a list of names like a line of CSV: a name with a comma is in quotes. */
export const joinNames = (names: readonly string[]): string => names.map(quoted).join(',')

function cell(value: Value | undefined): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  return quoted(guarded(typeof value === 'string' ? value : joinNames(value)))
}

export const csvHeader = `${SHOWN.map(({ name }) => name).join(',')}\r\n`

export const csvLine = (row: readonly Value[]): string => `${SHOWN.map(({ place }) => cell(row[place])).join(',')}\r\n`
