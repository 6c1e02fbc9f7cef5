import { AppError } from '../gateway/errors.ts'
import { decodeUtf8 } from '../gateway/utf8.ts'

/** The type of a value rows are ordered by. An enum sorts in the order of its declaration, not of its letters. */
export type OrderType =
  | 'timestamptz'
  | 'integer'
  | 'real'
  | 'text'
  | 'uuid'
  | { enum: string; values: readonly string[] }

/** A place in an ordered list: the values of a row's order terms, as PostgreSQL writes them, and its id. */
export interface Place {
  values: string[]
  id: string
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIMESTAMP = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})?\+00$/
const INTEGER = /^(0|-?[1-9]\d{0,9})$/
const REAL = /^-?\d{1,20}(\.\d{1,20})?(e[+-]\d{1,2})?$/

/** Beyond any text we order by. */
const LONGEST_CURSOR = 4_000

/** `order` names the list's order: a cursor is of no use in another. */
export function encodePlace(order: string, place: Place): string {
  return Buffer.from(JSON.stringify([order, ...place.values, place.id])).toString('base64url')
}

/**
 * The place of a cursor. Whatever it answers PostgreSQL can cast; VALIDATION_FAILED for anything that encodePlace
 * cannot have made for this order. `argument` is where the cursor came from.
 */
export function decodePlace(
  cursor: string,
  order: string,
  types: readonly OrderType[],
  argument: 'after' | 'before',
): Place {
  const parts = parse(cursor)
  if (parts === undefined) throw refused('This is not a cursor of a list.', argument)
  const [signature, ...values] = parts
  if (signature !== order) throw refused('This cursor belongs to a list in another order.', argument)
  const id = values.pop()
  const valid =
    id !== undefined &&
    UUID.test(id) &&
    values.length === types.length &&
    types.every((type, index) => fits(values[index] ?? '', type))
  if (!valid) throw refused('This is not a cursor of this list.', argument)
  return { values, id }
}

function parse(cursor: string): string[] | undefined {
  if (cursor.length > LONGEST_CURSOR || !/^[\w-]+$/.test(cursor)) return undefined
  try {
    const parts: unknown = JSON.parse(decodeUtf8(Buffer.from(cursor, 'base64url'), 'The cursor'))
    const isList = Array.isArray(parts) && parts.every((part) => typeof part === 'string')
    return isList ? parts : undefined
  } catch {
    return undefined
  }
}

function fits(value: string, type: OrderType): boolean {
  if (typeof type === 'object') return type.values.includes(value)
  switch (type) {
    case 'timestamptz':
      return value === 'infinity' || value === '-infinity' || isTimestamp(value)
    case 'integer':
      return INTEGER.test(value) && Math.abs(Number(value)) < 2 ** 31
    case 'real':
      return REAL.test(value) && Math.abs(Number(value)) < 3.4e38
    case 'uuid':
      return UUID.test(value)
    case 'text':
      return !value.includes('\0') && value.isWellFormed()
  }
}

/** Microseconds pass as they are; what the calendar does not have (30 February) fails. */
function isTimestamp(value: string): boolean {
  const [, date, time] = TIMESTAMP.exec(value) ?? []
  if (date === undefined || date < '0001') return false
  const parsed = new Date(`${date}T${time}Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === `${date}T${time}.000Z`
}

function refused(message: string, argument: string): AppError {
  return new AppError('VALIDATION_FAILED', message, { path: [argument] })
}
