import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'
import { formatInstant } from '../database/timestamps.ts'

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
  parseLiteral(node) {
    return parseInstant(node.kind === Kind.STRING ? node.value : undefined)
  },
})

function parseInstant(value: unknown): Date {
  const parts = typeof value === 'string' ? RFC_3339.exec(value) : null
  if (!parts)
    throw new GraphQLError(`must be a time like 2026-01-31T17:00:00Z or a date like 2026-01-31, not ${shown(value)}`)
  const [, year, month, day] = parts.map(Number)
  const date = new Date(String(value).toUpperCase())
  // Date.parse turns February 30 into March 2.
  const lastDay = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate()
  if (Number.isNaN(date.getTime()) || (day ?? 0) > lastDay || year === 0)
    throw new GraphQLError(`${shown(value)} is not an existing date`)
  const utcYear = date.getUTCFullYear()
  if (utcYear < 1 || utcYear > 9999) throw new GraphQLError(`${shown(value)} is outside the years 1 to 9999 in UTC`)
  return date
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? typeof value
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** Any JSON value, such as a field's value before and after a change. */
export const jsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value,
})
