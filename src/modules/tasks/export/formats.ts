import { COLUMN_NAMES } from './columns.ts'
import { icsClosing, icsComponents, icsOpening } from './ics.ts'
import { CSV_LINE, JSON_LINE, type LineFormat } from './lines.ts'

interface Format {
  contentType: string
  line: LineFormat
  opening: string
  /** Between two batches. */
  separator: string
  closing: string
  /** Turns the lines of a batch into what is sent. */
  finish?: (lines: string) => string
}

/** How tasks are written. */
export const EXPORT_FORMATS = {
  csv: {
    contentType: 'text/csv; charset=utf-8',
    line: CSV_LINE,
    opening: `${COLUMN_NAMES.join(',')}\r\n`,
    separator: '',
    closing: '',
  },
  ndjson: {
    contentType: 'application/x-ndjson; charset=utf-8',
    line: JSON_LINE,
    opening: '',
    separator: '',
    closing: '',
  },
  json: {
    contentType: 'application/json; charset=utf-8',
    line: { ...JSON_LINE, end: '},\n' },
    opening: '[\n',
    separator: ',\n',
    closing: '\n]\n',
    // Without the comma after the last.
    finish: (lines) => lines.slice(0, -2),
  },
  ics: {
    contentType: 'text/calendar; charset=utf-8',
    line: JSON_LINE,
    opening: icsOpening,
    separator: '',
    closing: icsClosing,
    finish: icsComponents,
  },
} as const satisfies Record<string, Format>

export type ExportFormat = keyof typeof EXPORT_FORMATS

export const formatNamed = (name: ExportFormat): Format => EXPORT_FORMATS[name]
