import { SHOWN, type Value } from './columns.ts'
import { csvHeader, csvLine } from './csv.ts'
import { icsClosing, icsComponent, icsOpening } from './ics.ts'

interface Format {
  contentType: string
  opening: string
  /** Between two rows. */
  separator: string
  closing: string
  row: (row: readonly Value[]) => string
}

const json = (row: readonly Value[]): string =>
  JSON.stringify(Object.fromEntries(SHOWN.map(({ name, place }) => [name, row[place] ?? null])))

/** How tasks are written. */
export const EXPORT_FORMATS = {
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    opening: csvHeader,
    separator: '',
    closing: '',
    row: csvLine,
  },
  ndjson: {
    contentType: 'application/x-ndjson; charset=utf-8',
    opening: '',
    separator: '',
    closing: '',
    row: (row) => `${json(row)}\n`,
  },
  json: {
    contentType: 'application/json; charset=utf-8',
    opening: '[\n',
    separator: ',\n',
    closing: '\n]\n',
    row: json,
  },
  ics: {
    contentType: 'text/calendar; charset=utf-8',
    opening: icsOpening,
    separator: '',
    closing: icsClosing,
    row: icsComponent,
  },
} as const satisfies Record<string, Format>

export type ExportFormat = keyof typeof EXPORT_FORMATS

export const formatNamed = (name: ExportFormat): Format => EXPORT_FORMATS[name]
