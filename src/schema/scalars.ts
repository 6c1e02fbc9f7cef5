import { GraphQLError, GraphQLScalarType, Kind, print } from 'graphql'
import { formatInstant } from '../database/timestamps.ts'
import { StreamedBody } from '../gateway/streamed-body.ts'

export type { StreamedBody }

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
export const contentScalar = new GraphQLScalarType<StreamedBody, never>({
  name: 'Content',
  description: 'The text of a file. Over REST it is the body, which is read while it arrives.',
  serialize: () => {
    throw new GraphQLError('is never an answer')
  },
  parseValue: (value) => toStreamedBody(value),
  parseLiteral: (node) => toStreamedBody(node.kind === Kind.STRING ? node.value : undefined),
})

function toStreamedBody(value: unknown): StreamedBody {
  if (value instanceof StreamedBody) return value
  if (typeof value === 'string') return StreamedBody.ofText(value)
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

/** A day of the calendar, without a time or a time zone. Output accepts a Date at midnight UTC. */
export const dateScalar = new GraphQLScalarType<string, string>({
  name: 'Date',
  description: 'A day of the calendar, like `2026-01-31`, without a time and the same in every time zone.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339#section-5.6',
  extensions: { jsonSchema: { type: 'string', format: 'date' } },
  serialize: (value) => (value instanceof Date ? value.toISOString().slice(0, 10) : String(value)),
  parseValue: (value) => parseDate(value),
  parseLiteral: (node) => (node.kind === Kind.STRING ? parseDate(node.value) : refuseDate(print(node))),
})

function parseDate(value: unknown): string {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return refuseDate(shown(value))
  if (!isCalendarDate(value)) throw new GraphQLError(`${shown(value)} is not an existing date`)
  return value
}

/** Checks a text like 2026-01-31. PostgreSQL has no year 0. */
export function isCalendarDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`)
  // Date.parse turns February 30 into March 2.
  return text >= '0001' && !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text
}

function refuseDate(found: string): never {
  throw new GraphQLError(`must be a date like 2026-01-31, not ${cut(found)}`)
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
