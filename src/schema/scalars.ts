import { GraphQLError, GraphQLScalarType, Kind, print } from 'graphql'
import { formatInstant } from '../database/timestamps.ts'
import { Upload } from '../gateway/operation.ts'

export type { Upload }

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?([Zz]|[+-]\d{2}:\d{2}))?$/

/**
 * A point in time (RFC 3339). Output is in UTC with milliseconds. A date alone means midnight UTC.
 */
export const dateTimeScalar = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description:
    'A point in time in RFC 3339 format, like `2026-01-31T17:00:00Z`. Output is in UTC with milliseconds. A date alone means midnight UTC.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  extensions: { jsonSchema: { type: 'string', format: 'date-time' } },
  serialize(value) {
    return formatInstant(value instanceof Date ? value : new Date(String(value)))
  },
  parseValue: (value) => parseInstant(value),
  parseLiteral: (node) => (node.kind === Kind.STRING ? parseInstant(node.value) : refuseKind(print(node))),
})

/** Text of a file. REST passes its body as it arrives. */
export const contentScalar = new GraphQLScalarType<Upload, never>({
  name: 'Content',
  description: 'The text of a file. Over REST it is the body, which is read while it arrives.',
  serialize: () => {
    throw new GraphQLError('is never an answer')
  },
  parseValue: (value) => toUpload(value),
  parseLiteral: (node) => toUpload(node.kind === Kind.STRING ? node.value : undefined),
})

function toUpload(value: unknown): Upload {
  if (value instanceof Upload) return value
  if (typeof value === 'string') return Upload.ofText(value)
  throw new GraphQLError('must be a string with the text of the file')
}

export function parseInstant(value: unknown): Date {
  const parts = typeof value === 'string' ? RFC_3339.exec(value) : null
  if (!parts) return refuseKind(shown(value))
  const [text = '', year, month, day, hour, , second] = parts
  const isLeap = second === '60'
  // JavaScript has no leap seconds: take the second before, and add one.
  const date = new Date((isLeap ? text.replace(LEAP, '$1:59') : text).toUpperCase())
  if (isLeap) date.setTime(date.getTime() + 1_000)
  // Date.parse turns February 30 into March 2, and 24:00 into the next day.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  const isWrong = Number.isNaN(date.getTime()) || Number(day) > lastDay || Number(year) === 0 || Number(hour) > 23
  if (isWrong || (isLeap && !followsLeap(date))) throw new GraphQLError(`${shown(value)} is not an existing date`)
  const utcYear = date.getUTCFullYear()
  if (utcYear < 1 || utcYear > 9999) throw new GraphQLError(`${shown(value)} is outside the years 1 to 9999 in UTC`)
  return date
}

const LEAP = /(T\d{2}:\d{2}):60/i

/** Leap seconds are inserted at the end of a month in UTC. */
function followsLeap(date: Date): boolean {
  return date.getUTCDate() === 1 && date.getUTCHours() === 0 && date.getUTCMinutes() === 0 && date.getUTCSeconds() === 0
}

function refuseKind(found: string): never {
  throw new GraphQLError(`must be a time like 2026-01-31T17:00:00Z or a date like 2026-01-31, not ${cut(found)}`)
}

const shown = (value: unknown): string => cut(JSON.stringify(value) ?? typeof value)

const cut = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text)

/** Any JSON value, such as a field's value before and after a change. */
export const jsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value,
})
