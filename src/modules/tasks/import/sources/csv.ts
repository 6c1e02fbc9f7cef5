import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import { type CsvError, parse } from 'csv-parse'
import { AppError } from '../../../../gateway/errors.ts'
import { unguarded } from '../../export/csv.ts'
import { CELL_TYPES, type FileRow, IGNORED, isField } from '../row.ts'
import { MAX_ITEM } from './lines.ts'
import { refOf } from './native.ts'

/** A record of a CSV file: cells by column, in the order of the file. */
export interface CsvRecord {
  line: number
  cells: Readonly<Record<string, string>>
  problem?: string
}

/** More columns would only cost time: tasks have fewer fields. */
const MAX_COLUMNS = 500

/**
 * Reads a CSV file with a header. Accepts a byte order mark, any line break, and semicolons or tabs
 * between cells. A broken record fails alone.
 */
export async function* readRecords(
  chunks: AsyncIterable<Uint8Array>,
  onHeader: (names: readonly string[]) => void = () => undefined,
): AsyncGenerator<CsvRecord> {
  const { first, rest } = await openText(chunks)
  const broken: CsvRecord[] = []
  const lines = new LineCount()
  const delimiter = delimiterOf(first)
  const wellFormed = wellFormedWith(delimiter)
  const parser = parse({
    delimiter,
    // Bytes as characters: whether they are UTF-8 is judged cell by cell.
    encoding: 'latin1',
    raw: true,
    // Whatever a quoted cell contains.
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_ITEM,
    relax_column_count: true,
    // A wrong quotation mark would break the following records too. They are found below.
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    // Called in order, also between broken records.
    on_record: (one) => {
      const { record, raw } = one as unknown as { record: string[]; raw: string }
      const isBroken = raw.includes('"') && record.length <= MAX_COLUMNS && !wellFormed.test(raw)
      return { record, line: lines.next(raw), isBroken } as never
    },
    on_skip: (error, raw = '') => {
      if (error) broken.push({ line: lines.next(`${raw}\n`), cells: {}, problem: problemOf(error) })
      return undefined
    },
  })
  const source = Readable.from(rest, { objectMode: false })
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  let names: string[] | undefined
  try {
    for await (const { record, line, isBroken } of parser as AsyncIterable<Parsed>) {
      yield* broken.splice(0)
      if (!names) {
        if (record.length > MAX_COLUMNS) throw tooWide(record.length)
        names = record.map((name) => decoded(name)?.trim() ?? '')
        onHeader(names)
        continue
      }
      yield isBroken ? { line, cells: {}, problem: MISQUOTED } : toRecord(line, names, record)
    }
    yield* broken.splice(0)
  } finally {
    source.destroy()
    parser.destroy()
  }
}

interface Parsed {
  record: string[]
  line: number
  isBroken: boolean
}

const MISQUOTED = 'is not valid CSV: a cell has a quotation mark in the wrong place'

/** Returns what a record matches if its quotation marks are where RFC 4180 allows them. */
function wellFormedWith(delimiter: string): RegExp {
  const cell = `(?:"[^"]*(?:""[^"]*)*"|[^"\\r\\n${delimiter}]*)`
  return new RegExp(`^[\\r\\n]*${cell}(?:${delimiter}${cell})*[\\r\\n]*$`)
}

const tooWide = (columns: number) =>
  new AppError('VALIDATION_FAILED', `The file has ${columns} columns, and ${MAX_COLUMNS} are the most that are read.`, {
    path: ['content'],
  })

function toRecord(line: number, names: readonly string[], record: readonly string[]): CsvRecord {
  if (record.length > names.length)
    return { line, cells: {}, problem: `has ${record.length} cells, and the header has ${names.length}` }
  const cells = names.map((name, place) => [name, record[place] === undefined ? '' : decoded(record[place])] as const)
  const bad = cells.find(([, text]) => text === undefined)
  if (bad) return { line, cells: {}, problem: `${bad[0]}: is not valid UTF-8` }
  return { line, cells: Object.fromEntries(cells) as Record<string, string> }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what needs no decoding
const ASCII = /^[\u0000-\u007f]*$/

function decoded(text: string): string | undefined {
  if (ASCII.test(text)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString() : undefined
}

/** Counts lines by the text of the records. */
class LineCount {
  #before = 0

  /** Returns the line on which a record begins, behind blank lines. */
  next(raw: string): number {
    const blank = /^[\r\n]*/.exec(raw)?.[0] ?? ''
    const line = this.#before + 1 + breaksIn(blank)
    this.#before += breaksIn(raw)
    return line
  }
}

const breaksIn = (text: string): number => text.match(/\r\n|\r|\n/g)?.length ?? 0

const problemOf = ({ code, message }: CsvError) =>
  code === 'CSV_MAX_RECORD_SIZE' ? `is longer than ${MAX_ITEM} bytes` : `is not valid CSV: ${message.slice(0, 200)}`

/** Takes a byte order mark away. Throws if the file is in UTF-16. */
async function openText(chunks: AsyncIterable<Uint8Array>) {
  const iterator = chunks[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  for (let size = 0; size < HEAD && !head.at(-1)?.includes(10); size += head.at(-1)?.length ?? 0) {
    const step = await iterator.next()
    if (step.done) break
    head.push(step.value)
  }
  let first: Buffer = Buffer.concat(head)
  if ((first[0] === 0xff && first[1] === 0xfe) || (first[0] === 0xfe && first[1] === 0xff))
    throw new AppError('VALIDATION_FAILED', 'The file is in UTF-16. Save it as UTF-8.', { path: ['content'] })
  if (first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf) first = first.subarray(3)
  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      if (first.length > 0) yield first
      for (let step = await iterator.next(); !step.done; step = await iterator.next()) yield step.value
    } finally {
      await iterator.return?.()
    }
  }
  return { first, rest: rest() }
}

/** Bytes in which the first line is looked for. */
const HEAD = 65_536

/** Returns what stands most often between the names of the header. */
function delimiterOf(first: Buffer): string {
  const [header = ''] = first.toString('latin1').split(/[\r\n]/)
  const count = (mark: string) => header.replace(/"[^"]*"/g, '').split(mark).length
  return [',', ';', '\t'].reduce((best, mark) => (count(mark) > count(best) ? mark : best))
}

/**
 * Reads a CSV file of tasks. `map` names the field of a column: "Name:title"; a column without one
 * needs the name of a field. `onUnknown` gets the columns that are left.
 */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  map: ReadonlyMap<string, string>,
  onUnknown: (names: string[]) => void,
): AsyncGenerator<FileRow> {
  const fieldOf = (name: string) => map.get(name) ?? name
  const onHeader = (names: readonly string[]) => {
    const missing = [...map.keys()].filter((name) => !names.includes(name))
    if (missing.length > 0) {
      const message = `The file has no column ${missing.map((name) => JSON.stringify(name)).join(', ')}.`
      throw new AppError('VALIDATION_FAILED', message, { path: ['map'] })
    }
    onUnknown(names.filter((name) => !isField(fieldOf(name)) && !IGNORED.has(fieldOf(name))))
  }
  for await (const { line, cells, problem } of readRecords(chunks, onHeader)) {
    if (problem !== undefined) {
      yield { line, values: {}, problem }
      continue
    }
    const values: Record<string, unknown> = {}
    for (const [name, text] of Object.entries(cells)) {
      const field = fieldOf(name)
      if (isField(field)) values[field] = cellValue(field, text)
    }
    yield { line, values, ref: refOf(values.key), parentRef: refOf(values.parentKey) }
  }
}

function cellValue(field: keyof typeof CELL_TYPES, text: string): unknown {
  const type = CELL_TYPES[field]
  if (type === 'names') return splitNames(unguarded(text))
  if (text === '') return null
  if (type === 'text') return unguarded(text)
  return /^\s*-?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : text
}

/** Reads a list of names like a line of CSV: see `joinNames`. */
export function splitNames(text: string): string[] {
  const names = [...text.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = '']) =>
    (quoted === undefined ? plain : quoted.replaceAll('""', '"')).trim(),
  )
  return names.filter((name) => name !== '')
}
