import type { FileRow } from '../row.ts'
import { readCsv } from './csv.ts'
import { readGithub } from './github.ts'
import { readJson } from './json.ts'
import { readNdjson } from './lines.ts'
import { nativeRow } from './native.ts'
import { readTodoist } from './todoist.ts'
import { readTrello } from './trello.ts'
import { readVikunja } from './vikunja.ts'

export interface ReadOptions {
  /** The field of each column of a CSV file that is named otherwise. */
  map: ReadonlyMap<string, string>
  /** Gets the columns that are not imported. */
  onUnknown: (names: string[]) => void
}

type Read = (chunks: AsyncIterable<Uint8Array>, options: ReadOptions) => AsyncIterable<FileRow>

/** How the rows of a file are read. All read while the file arrives. */
export const IMPORT_FORMATS = {
  csv: (chunks, { map, onUnknown }) => readCsv(chunks, map, onUnknown),
  ndjson: readNdjson,
  json: readOwnJson,
  todoist: readTodoist,
  trello: readTrello,
  vikunja: readVikunja,
  github: readGithub,
} as const satisfies Record<string, Read>

export type ImportFormat = keyof typeof IMPORT_FORMATS

export const readerOf = (format: ImportFormat): Read => IMPORT_FORMATS[format]

/** Reads an array with the objects of an export. */
async function* readOwnJson(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRow> {
  let line = 0
  for await (const { value } of readJson(chunks, ['$.*'])) yield nativeRow(++line, value)
}
