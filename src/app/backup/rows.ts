/** Rows as the texts that PostgreSQL reads and writes for each column. */
export type Row = (string | null)[]

const SPECIAL = /[\\\n\r\t]/g
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const ESCAPED = /\\([\\nrt])/g
const LETTERS: Record<string, string> = { '\\': '\\', n: '\n', r: '\r', t: '\t' }

/** Encodes rows in the text format of COPY. */
export function encodeRows(rows: readonly Row[]): Buffer {
  const lines = rows.map((row) => `${row.map(encodeValue).join('\t')}\n`)
  return Buffer.from(lines.join(''))
}

function encodeValue(value: string | null): string {
  return value === null ? '\\N' : value.replace(SPECIAL, (character) => ESCAPES[character] ?? character)
}

export function decodeRows(bytes: Buffer): Row[] {
  const lines = bytes.toString().split('\n')
  lines.pop()
  return lines.map((line) => line.split('\t').map(decodeValue))
}

function decodeValue(text: string): string | null {
  return text === '\\N' ? null : text.replace(ESCAPED, (_, letter: string) => LETTERS[letter] ?? letter)
}
